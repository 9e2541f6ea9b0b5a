using System.Security.Cryptography;
using Comity.Declarations;

namespace Comity.Federation.Audit;

/// <summary>What a look at one audit log found.</summary>
/// <param name="File">The log.</param>
/// <param name="Party">Whose; empty: it could not be read.</param>
/// <param name="Lines">What it says; only as far as it could be read.</param>
/// <param name="Keys">Keys that sign it (SubjectPublicKeyInfo, hex), in the order of their appearance.</param>
/// <param name="Findings">Everything wrong with it, and in warnings what is worth knowing.</param>
public sealed record AuditVerdict(string File, string Party, IReadOnlyList<AuditLine> Lines, IReadOnlyList<string> Keys, IReadOnlyList<Problem> Findings)
{
    /// <summary>Whether nothing is wrong with it.</summary>
    public bool Holds => Findings.All(f => f.Severity != Severity.Error);

    /// <summary>Whether the party said that nothing follows.</summary>
    public bool Closed => Lines.Count > 0 && Lines[^1].Entry.Kind == AuditKinds.Closed;

    /// <summary>How far it goes: its last signed entry.</summary>
    public AuditHead? Head => Lines.LastOrDefault(l => l.IsSigned)?.Head;

    /// <summary>Judges a log: every line's form, number, chain and signature.</summary>
    /// <param name="path">The file.</param>
    /// <param name="head">A head that the log must hold, as a peer or an earlier look wrote it down; null: none is known.</param>
    /// <param name="keys">The only keys that may sign it (SubjectPublicKeyInfo, hex); null: those that it names itself.</param>
    public static AuditVerdict Of(string path, AuditHead? head = null, IReadOnlyCollection<string>? keys = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 15, FileOptions.SequentialScan);
        using var reading = new Reading(path, keys);
        foreach (var (line, ended) in AuditReader.Lines(stream)) reading.Take(line, ended);
        return reading.End(head);
    }

    /// <summary>One pass over a log.</summary>
    private sealed class Reading(string path, IReadOnlyCollection<string>? allowed) : IDisposable
    {
        private readonly List<AuditLine> _lines = [];
        private readonly List<string> _keys = [];
        private readonly List<Problem> _found = [];
        private ECDsa? _key;
        private string _previous = AuditLine.Genesis;
        private int _number;
        private bool _brokenBefore;
        private bool _torn;

        public void Take(byte[] bytes, bool ended)
        {
            _number++;
            if (!ended)
            {
                _torn = true;
                Found("audit-torn", _number);
                return;
            }
            if (bytes.Length > AuditReader.LongestLine || AuditLine.Read(bytes) is not { } line)
            {
                Found("audit-not-an-entry", _number);
                (_brokenBefore, _previous) = (true, AuditKey.Sha256(bytes));
                return;
            }
            var broken = !Follows(line);
            NextKey(line);
            if (_key is not null && line.IsSigned && !AuditKey.Verify(_key, line.Signed, line.Signature))
            {
                Found("audit-signature", _number, line.Sequence);
                broken = true;
            }
            (_brokenBefore, _previous) = (broken, line.Sha256);
            _lines.Add(line);
        }

        public AuditVerdict End(AuditHead? head)
        {
            if (_number == 0) Found("audit-empty", 1);
            if (head is not null && (_lines.Count == 0 || head.Sequence > _lines[^1].Sequence)) Found("audit-head-missing", _number, head.Sequence, _lines.Count == 0 ? 0 : _lines[^1].Sequence);
            else if (head is not null && _lines.Find(l => l.Sequence == head.Sequence)?.Signed != head.Sha256) Found("audit-head-other", (int)head.Sequence, head.Sequence);
            if (_lines.Count > 0 && !_torn && _lines[^1].Entry.Kind != AuditKinds.Closed)
                _found.Add(Messages.Warning("audit-open", Place.InFile(path, _number, 1), _lines.Count));
            if (_lines.Count > 0 && !_lines[^1].IsSigned)
                _found.Add(Messages.Warning("audit-uncovered", Place.InFile(path, _number, 1), _lines.Count - 1 - _lines.FindLastIndex(l => l.IsSigned)));
            return new(path, _lines.Count > 0 ? _lines[0].Party : "", _lines, _keys, _found);
        }

        public void Dispose() => _key?.Dispose();

        // One cause is told once: behind a line that was found broken, the next can't fit either.
        private bool Follows(AuditLine line)
        {
            var expected = _lines.Count > 0 ? _lines[^1].Sequence + 1 : 1;
            if (_lines.Count > 0 && line.Party != _lines[0].Party) Found("audit-party", _number, line.Party, _lines[0].Party);
            else if (_lines.Count == 0 && line is { Sequence: 1, Entry.Kind: not AuditKinds.Opened }) Found("audit-no-opening", _number);
            else if (_lines.Count > 0 && _lines[^1].Entry.Kind == AuditKinds.Closed && line.Entry.Kind != AuditKinds.Opened) Found("audit-after-close", _number, line.Sequence);
            else if (line.Sequence > expected && !_brokenBefore) Found("audit-missing", _number, expected, line.Sequence - 1);
            else if (line.Sequence < expected) Found("audit-repeated", _number, line.Sequence, expected);
            else if (line.Previous != _previous && !_brokenBefore) Found("audit-chain", _number, line.Sequence);
            else return line.Previous == _previous && line.Sequence == expected;
            return false;
        }

        private void NextKey(AuditLine line)
        {
            if (line.Entry is not { Kind: AuditKinds.Opened, Key: { } named }) return;
            if (_keys.Count > 0 && _keys[^1] == named) return;
            if (AuditKey.Import(named) is not { } key)
            {
                Found("audit-no-key", _number);
                return;
            }
            _key?.Dispose();
            _key = key;
            if (_keys.Count > 0) _found.Add(Messages.Warning("audit-key-changed", Place.InFile(path, _number, 1), line.Sequence));
            _keys.Add(named);
            if (allowed is not null && !allowed.Contains(named)) Found("audit-foreign-key", _number);
        }

        private void Found(string code, int line, params object?[] arguments) => _found.Add(Messages.Problem(code, Place.InFile(path, line, 1), arguments));
    }
}
