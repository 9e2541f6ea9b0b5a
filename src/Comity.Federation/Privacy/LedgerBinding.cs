using Comity.Declarations;
using Comity.Federation.Audit;

namespace Comity.Federation.Privacy;

/// <summary>Holds a ledger against the audit log beside it: each line of a thing that was charged names how far the ledger had come, so a ledger that is older than the log is found.</summary>
/// <remarks>
/// <code>
/// charge n ─► ledger: chain over charges 1 … n ─► log: thing, { charges: n, sha256 }, signed ─► sent, with the log's head, which the peer writes down
/// </code>
/// A ledger is charged before its line is written, so one that is ahead of the log is only one whose process was killed in between. Ledger and log put back
/// together are found by the heads of the log that peers hold.
/// </remarks>
public static class LedgerBinding
{
    /// <summary>What is wrong with a ledger; null: nothing.</summary>
    /// <param name="told">How far it had come, as the log says; null: the log says nothing.</param>
    /// <param name="path">The ledger's file.</param>
    /// <param name="time">The clock.</param>
    public static Problem? Check(LedgerHead? told, string path, TimeProvider time)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var place = Place.InFile(path);
        if (!File.Exists(path)) return told is null ? null : Messages.Problem("ledger-gone", place, told.Charges);
        try
        {
            using var ledger = PrivacyLedger.Open(path, time);
            if (told is null) return null;
            var now = ledger.Head;
            if (now.Charges < told.Charges) return Messages.Problem("ledger-rolled-back", place, now.Charges, told.Charges);
            return ledger.HeadAt(told.Charges) == told ? null : Messages.Problem("ledger-other", place, told.Charges);
        }
        catch (InvalidDeclarationException edited)
        {
            // Where no charge stands in the log, only an edit is the log's business: an auditor's copy may lie where nothing can be written.
            return told is null && edited.Problems[0].Code != "ledger-edited" ? null : edited.Problems[0];
        }
    }

    /// <summary>What is wrong with the ledger beside a log; null: nothing.</summary>
    /// <param name="log">The log, judged.</param>
    /// <param name="time">The clock.</param>
    public static Problem? Check(AuditVerdict log, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(log);
        var told = log.Lines.Select(l => l.Entry.Ledger).OfType<LedgerHead>().ToList();
        var path = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(log.File))!, PrivacyLedger.FileName);
        if (Check(told.MaxBy(l => l.Charges), path, time) is { } found) return found;
        if (told.Count == 0) return null;
        // A copy that was put back and then charged beyond what it had been fits at its end only.
        using var ledger = PrivacyLedger.Open(path, time);
        var chain = ledger.Chain();
        return told.Find(l => l.Charges < 1 || chain[(int)l.Charges - 1] != l.Sha256) is { } other ? Messages.Problem("ledger-other", Place.InFile(path), other.Charges) : null;
    }
}
