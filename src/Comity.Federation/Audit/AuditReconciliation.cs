using Comity.Declarations;

namespace Comity.Federation.Audit;

/// <summary>Two logs held against each other.</summary>
/// <param name="Findings">Everything that does not fit; in warnings what is worth knowing.</param>
/// <param name="Matched">Things that one party says left and the other says arrived.</param>
/// <param name="Countersigned">Heads of one party that stand in the other's log and in its own.</param>
public sealed record AuditReconciliation(IReadOnlyList<Problem> Findings, int Matched, int Countersigned)
{
    /// <summary>Whether the logs fit.</summary>
    public bool Holds => Findings.All(f => f.Severity != Severity.Error);

    /// <summary>
    /// Holds two logs against each other. Of two parties: each head that one wrote down of the other must stand in the other's own log, and
    /// what arrived at one must have left the other. Of one party: one log must go on from the other, or they are a fork.
    /// </summary>
    public static AuditReconciliation Of(AuditVerdict a, AuditVerdict b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        List<Problem> found = [.. a.Findings, .. b.Findings];
        if (a.Lines.Count == 0 || b.Lines.Count == 0) return new(found, 0, 0);
        if (a.Party == b.Party)
        {
            Fork(a, b, found);
            return new(found, 0, 0);
        }
        var countersigned = Heads(a, b, found) + Heads(b, a, found);
        var matched = Traffic(a, b, found) + Traffic(b, a, found);
        if (countersigned == 0) found.Add(Messages.Warning("audit-strangers", Place.InFile(b.File), a.Party, b.Party));
        return new(found, matched, countersigned);
    }

    // What the witness wrote down of the party's heads.
    private static int Heads(AuditVerdict party, AuditVerdict witness, List<Problem> found)
    {
        var own = party.Lines.DistinctBy(l => l.Sequence).ToDictionary(l => l.Sequence);
        var keys = party.Keys.Select(AuditKey.Import).OfType<System.Security.Cryptography.ECDsa>().ToList();
        var (agreed, last) = (0, party.Lines[^1].Sequence);
        foreach (var line in witness.Lines.Where(l => l.Entry.Head is not null && l.Entry.Peer == party.Party))
        {
            var (head, place) = (line.Entry.Head!, Place.InFile(witness.File, (int)line.Sequence, 1));
            var here = own.GetValueOrDefault(head.Sequence);
            if (here?.Signed == head.Sha256)
            {
                agreed++;
                continue;
            }
            // Signed by the party's own key: it can't deny the head, only explain where it went.
            if (!keys.Any(k => AuditKey.Verify(k, head.Sha256, head.Signature))) found.Add(Messages.Problem("audit-foreign-head", place, party.Party, head.Sequence));
            else if (here is null && head.Sequence > last) found.Add(Messages.Problem("audit-rolled-back", place, party.Party, head.Sequence, last));
            else found.Add(Messages.Problem("audit-forked", place, party.Party, head.Sequence));
            break; // all later heads say the same
        }
        foreach (var key in keys) key.Dispose();
        return agreed;
    }

    // A thing that is sent again after a lost line or a restart stands there twice, so things are compared, not counted.
    private static int Traffic(AuditVerdict from, AuditVerdict to, List<Problem> found)
    {
        static (string, string) Thing(AuditLine line) => (line.Entry.Kind, line.Entry.Sha256);
        var left = from.Lines.Where(l => l.Entry.Direction == AuditDirection.Out && l.Entry.Peer == to.Party).DistinctBy(Thing).ToDictionary(Thing);
        var arrived = to.Lines.Where(l => l.Entry is { Direction: AuditDirection.In, Kind: not AuditKinds.Receipt } && l.Entry.Peer == from.Party).DistinctBy(Thing).ToDictionary(Thing);
        foreach (var (thing, line) in arrived.Where(a => !left.ContainsKey(a.Key)))
            found.Add(Messages.Problem("audit-unsent", Place.InFile(to.File, (int)line.Sequence, 1), to.Party, line.Entry.Kind, line.Entry.What, from.Party));
        // A line is written before the thing is sent: one that is alone may stand for something that a killed process kept here.
        foreach (var (thing, line) in left.Where(l => !arrived.ContainsKey(l.Key)))
            found.Add(Messages.Warning("audit-unarrived", Place.InFile(from.File, (int)line.Sequence, 1), from.Party, line.Entry.Kind, line.Entry.What, to.Party));
        return arrived.Keys.Count(left.ContainsKey);
    }

    private static void Fork(AuditVerdict a, AuditVerdict b, List<Problem> found)
    {
        var (shorter, longer) = a.Lines.Count <= b.Lines.Count ? (a, b) : (b, a);
        for (var i = 0; i < shorter.Lines.Count; i++)
        {
            if (shorter.Lines[i].Sha256 == longer.Lines[i].Sha256) continue;
            found.Add(Messages.Problem("audit-two-histories", Place.InFile(longer.File, i + 1, 1), a.Party, i + 1, shorter.File));
            return;
        }
        if (shorter.Lines.Count < longer.Lines.Count) found.Add(Messages.Problem("audit-older-copy", Place.InFile(shorter.File, shorter.Lines.Count, 1), a.Party, shorter.Lines.Count, longer.Lines.Count));
    }
}
