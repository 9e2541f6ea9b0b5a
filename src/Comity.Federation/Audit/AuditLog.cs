using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Comity.Declarations;
using Microsoft.Win32.SafeHandles;

namespace Comity.Federation.Audit;

/// <summary>
/// A party's audit log: one line for each thing that left it or arrived there. Each line names the hash of the whole line before it, and
/// each is signed, but for those of things that arrived which <see cref="WriteCovered"/> leaves to the signature of a later one: so none can be
/// changed, removed, repeated or moved unseen. And peers write each other's heads into theirs, so that none can be taken back either.
/// </summary>
/// <remarks>
/// <code>
/// site        … ─ out: update ────────────────► in: receipt, with the coordinator's head
///                      │ with the site's head        ▲
/// coordinator … ───────└──► in: update, head ────────┘
/// </code>
/// A line is written before the thing is handed on. A process that was killed may have torn the last line: it is cut off when the log
/// is opened again, as what it announced never left. Chained logs with countersigned heads: Haber and Stornetta 1991; Maniatis and Baker 2002.
/// </remarks>
public sealed class AuditLog : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Lock _syncing = new();
    private readonly SafeFileHandle? _open;
    private readonly AuditFile _file;
    private readonly ECDsa _key;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, AuditHead> _peers = new(StringComparer.Ordinal);
    private readonly byte[] _previous = Encoding.ASCII.GetBytes(AuditLine.Genesis);
    private readonly ArrayBufferWriter<byte> _line = new(1024);
    private readonly Utf8JsonWriter _json;
    private LedgerHead? _ledger;
    private AuditHead _head = new(0, AuditLine.Genesis, "");
    private long _sequence;
    private long _length;
    private long _synced;

    private AuditLog(string path, string party, ECDsa key, TimeProvider time, AuditFile file)
    {
        (Path, Party, _key, _time, _file) = (path, party, key, time, file);
        _json = new Utf8JsonWriter(_line, AuditLine.Readable);
        if (!File.Exists(path))
        {
            // What left and when is nobody else's business.
            var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            new FileStream(path, options).Dispose();
        }
        if (file != AuditFile.OpenedForEachLine) _open = Handle(file == AuditFile.Held ? FileShare.Read : FileShare.ReadWrite);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Whose log it is.</summary>
    public string Party { get; }

    /// <summary>How far it has come: its last signed entry.</summary>
    public AuditHead Head
    {
        get { lock (_gate) return _head; }
    }

    /// <summary>Whether this is the log's first opening.</summary>
    public bool IsNew { get; private set; }

    /// <summary>The last state of the party's ledger that this log wrote down; null: none.</summary>
    public LedgerHead? LastLedger
    {
        get { lock (_gate) return _ledger; }
    }

    /// <summary>The last head of a peer that this log wrote down; null: none.</summary>
    public AuditHead? LastOf(string peer)
    {
        lock (_gate) return _peers.GetValueOrDefault(peer);
    }

    /// <summary>Opens a log, or begins one, and writes down that it was opened.</summary>
    /// <param name="path">The file.</param>
    /// <param name="party">Whose.</param>
    /// <param name="key">Signs from here on; P-256. The log does not dispose of it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="file">How the file is kept.</param>
    /// <exception cref="InvalidDeclarationException">The log was changed, or is another party's.</exception>
    /// <exception cref="IOException">Another process holds it.</exception>
    public static AuditLog Open(string path, string party, ECDsa key, TimeProvider time, AuditFile file = AuditFile.Held)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentException.ThrowIfNullOrEmpty(party);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(time);
        var log = new AuditLog(path, party, key, time, file);
        try
        {
            log.Recover();
            log.Write(new AuditEntry { Direction = AuditDirection.Note, Kind = AuditKinds.Opened, Key = AuditKey.PublicHalf(key) });
            return log;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>Writes an entry. When this returns, it survives the death of the process; <see cref="Sync"/> makes it survive loss of power.</summary>
    /// <returns>The log's head, for the peer to write down.</returns>
    public AuditHead Write(AuditEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        lock (_gate)
        {
            Begin(entry);
            Span<byte> signed = stackalloc byte[SHA256.HashSizeInBytes], signature = stackalloc byte[AuditKey.SignatureLength], hex = stackalloc byte[2 * AuditKey.SignatureLength];
            SHA256.HashData(_line.WrittenSpan, signed);
            AuditKey.Sign(_key, signed, signature);
            Convert.TryToHexStringLower(signature, hex, out _);
            AuditLine.WriteSignature(_line, hex);
            End(entry);
            return _head = new(_sequence, Convert.ToHexStringLower(signed), Encoding.ASCII.GetString(hex));
        }
    }

    /// <summary>
    /// Writes that something arrived, without a signature of its own: the next line that has one covers it, as it names this line's hash through the chain.
    /// For a party that tells nobody of its arrivals, to whom half of all signatures would say nothing.
    /// </summary>
    public void WriteCovered(AuditEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.Direction != AuditDirection.In) throw new ArgumentException("What leaves is signed.", nameof(entry));
        lock (_gate)
        {
            Begin(entry);
            End(entry);
        }
    }

    /// <summary>Writes that the log is complete.</summary>
    public void Close() => Write(new AuditEntry { Direction = AuditDirection.Note, Kind = AuditKinds.Closed });

    /// <summary>Brings what was written onto the disk, at least up to an entry. Those who wait together pay for one flush.</summary>
    /// <param name="sequence">The entry that somebody is about to be told of.</param>
    public void Sync(long sequence)
    {
        lock (_syncing)
        {
            if (_synced >= sequence) return;
            long upTo;
            lock (_gate) upTo = _sequence;
            if (_open is { } open) RandomAccess.FlushToDisk(open);
            else
            {
                using var handle = Handle(FileShare.ReadWrite);
                RandomAccess.FlushToDisk(handle);
            }
            _synced = upTo;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _json.Dispose();
            if (_open is not { IsClosed: false } open) return;
            if (_file == AuditFile.Held) RandomAccess.FlushToDisk(open);
            open.Dispose();
        }
    }

    private void Begin(AuditEntry entry)
    {
        _line.ResetWrittenCount();
        _json.Reset(_line);
        AuditLine.WriteBody(_json, _sequence + 1, _time.GetUtcNow(), Party, entry, _previous);
    }

    private void End(AuditEntry entry)
    {
        AuditLine.WriteEnd(_line);
        Append(_line.WrittenSpan);
        Span<byte> whole = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(_line.WrittenSpan[..^1], whole);
        Convert.TryToHexStringLower(whole, _previous, out _);
        _sequence++;
        Remember(entry);
    }

    private SafeFileHandle Handle(FileShare share) => File.OpenHandle(Path, FileMode.Open, FileAccess.ReadWrite, share);

    private void Append(ReadOnlySpan<byte> line)
    {
        if (_open is { } open) RandomAccess.Write(open, line, _length);
        else
        {
            using var handle = Handle(FileShare.ReadWrite);
            RandomAccess.Write(handle, line, _length);
        }
        _length += line.Length;
    }

    // Two answers to one peer may pass each other on their way; the further head stands.
    private void Remember(AuditEntry entry)
    {
        if (entry.Ledger is { } ledger && !(_ledger?.Charges >= ledger.Charges)) _ledger = ledger;
        if (entry is { Head: { } head, Peer.Length: > 0 } && !(_peers.GetValueOrDefault(entry.Peer)?.Sequence > head.Sequence)) _peers[entry.Peer] = head;
    }

    // The chain is followed, the signatures are not judged: that is what verify is for, and it takes a tenth of a millisecond a line.
    private void Recover()
    {
        var there = _open is null ? new FileInfo(Path).Length : RandomAccess.GetLength(_open);
        if (there > 0) Follow();
        IsNew = _sequence == 0;
        if (there == _length) return;
        if (_open is { } open) RandomAccess.SetLength(open, _length);
        else
        {
            using var handle = Handle(FileShare.ReadWrite);
            RandomAccess.SetLength(handle, _length);
        }
    }

    private void Follow()
    {
        var previous = AuditLine.Genesis;
        using var stream = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 15, FileOptions.SequentialScan);
        foreach (var (bytes, ended) in AuditReader.Lines(stream))
        {
            if (!ended) break;
            var line = AuditLine.Read(bytes);
            if (line is null || line.Party != Party || line.Sequence != _sequence + 1 || line.Previous != previous)
                throw new InvalidDeclarationException([Messages.Problem("audit-damaged", Place.InFile(Path, (int)(_sequence + 1), 1), Party, _sequence + 1)]);
            (_sequence, previous) = (line.Sequence, line.Sha256);
            if (line.IsSigned) _head = line.Head;
            Remember(line.Entry);
            _length += bytes.Length + 1;
        }
        Encoding.ASCII.GetBytes(previous, _previous);
    }
}
