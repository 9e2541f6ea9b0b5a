using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using Comity.Federation.AtRest;
using Comity.Federation.Rounds;
using Comity.Federation.Stores;
using Microsoft.Win32.SafeHandles;

namespace Comity.Federation.Spool;

/// <summary>One round's updates in one append-only file, in the order of their arrival.</summary>
/// <remarks>
/// <code>
/// record = magic u32 | header length i32 | body length i32 (floats) | SHA-256 of header | header (JSON) | body (little-endian floats)
/// </code>
/// An update that came over a network lies in a file already: that file is moved beside the spool (<c>&lt;spool&gt;.&lt;site&gt;</c>), and its
/// record has another magic number and no body. In a sealed state every body lies in such a file: a sealed file does not grow.
/// The header carries the body's digest, so a spool describes itself: after a crash it is read from the front and cut
/// at the first record that is torn. Nothing is fsynced here: a body lost with the power is asked for again.
/// </remarks>
public sealed class UpdateSpool : IDisposable
{
    private const uint Magic = 0x44505543; // "CUPD"
    private const uint MagicBeside = 0x46505543; // "CUPF"
    private const int PrefixLength = 12 + SHA256.HashSizeInBytes;
    private const int VerifyBytes = 1 << 18;

    private readonly Lock _append = new();
    private readonly SafeFileHandle _file;
    private readonly string _path;
    private readonly StateVault _vault;
    private readonly List<Entry> _records = [];
    private long _end;
    private IBodyStore? _bodies;
    private string _name = "";

    private UpdateSpool(string path, SafeFileHandle file, StateVault vault) => (_path, _file, _vault) = (path, file, vault);

    /// <summary>Opens a spool, or begins one. What an earlier process left whole is there again.</summary>
    /// <param name="path">The file.</param>
    /// <param name="vault">How bodies are kept; null: as they are.</param>
    public static UpdateSpool Open(string path, StateVault? vault = null)
    {
        if (!BitConverter.IsLittleEndian) throw new PlatformNotSupportedException("Spools are little-endian; this machine is not.");
        var spool = new UpdateSpool(path, File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite), vault ?? StateVault.Plain);
        spool.Recover();
        return spool;
    }

    /// <summary>Opens a spool whose updates are kept in a store; what lies in files is copies of them, made anew here.</summary>
    /// <param name="path">The file of the copies.</param>
    /// <param name="bodies">The store.</param>
    /// <param name="name">What their names begin with; a dot and the site follow.</param>
    /// <param name="vault">How bodies are kept.</param>
    internal static UpdateSpool Open(string path, IBodyStore bodies, string name, StateVault vault)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        Delete(path);
        var spool = Open(path, vault);
        try
        {
            foreach (var (kept, note) in bodies.List(name + "."))
            {
                var header = JsonSerializer.Deserialize<UpdateHeader>(note, UpdateHeader.Json)!;
                if (bodies.Fetch(kept, spool.Beside(header.Site + ".fetched"))) spool.Adopt(header, spool.Beside(header.Site + ".fetched"));
            }
        }
        catch
        {
            spool.Dispose();
            throw;
        }
        (spool._bodies, spool._name) = (bodies, name);
        return spool;
    }

    /// <summary>Headers of all updates, in the order of arrival.</summary>
    public IReadOnlyList<UpdateHeader> Headers
    {
        get
        {
            lock (_append) return [.. _records.Select(r => r.Header)];
        }
    }

    /// <summary>Appends an update; when this returns the update survives the death of the process.</summary>
    public void Append(UpdateHeader header, ReadOnlySpan<float> body)
    {
        ArgumentNullException.ThrowIfNull(header);
        if (header.Length != body.Length) throw new ArgumentException($"The header says {header.Length} floats; the body has {body.Length}.", nameof(body));
        if (_bodies is not null || _vault.IsSealed)
        {
            var file = Beside(header.Site + ".arrived");
            FloatFile.WriteOne(_vault, file, body);
            Adopt(header, file);
            return;
        }
        var front = Front(Magic, header, body.Length);
        lock (_append)
        {
            RandomAccess.Write(_file, front, _end);
            var own = new PlainStateFile(_file);
            FloatFile.Write(own, _end + front.Length, body);
            _records.Add(new(header, own, _end + front.Length));
            _end += front.Length + (4L * body.Length);
        }
    }

    /// <summary>Takes over an update that lies in a file of little-endian floats, whose length and digest the caller has checked: the file is moved, not copied.</summary>
    public void Adopt(UpdateHeader header, string file)
    {
        ArgumentNullException.ThrowIfNull(header);
        ArgumentException.ThrowIfNullOrEmpty(file);
        var front = Front(MagicBeside, header, 0);
        _bodies?.Keep($"{_name}.{header.Site}", file, JsonSerializer.Serialize(header, UpdateHeader.Json));
        lock (_append)
        {
            var beside = Beside(header.Site);
            File.Move(file, beside, overwrite: true);
            RandomAccess.Write(_file, front, _end);
            _records.Add(new(header, _vault.Read(beside), 0));
            _end += front.Length;
        }
    }

    /// <summary>Deletes a spool that is closed, with all that lies beside it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="spares">Takes what the next round's updates can be written over; null: nothing is kept.</param>
    public static void Delete(string path, SpareFiles? spares = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        File.Delete(path);
        foreach (var beside in Directory.EnumerateFiles(Path.GetDirectoryName(Path.GetFullPath(path))!, Path.GetFileName(path) + ".*"))
        {
            if (spares is null) File.Delete(beside);
            else spares.Discard(beside);
        }
    }

    /// <summary>The updates of the given sites, in the given order.</summary>
    public IUpdateSet InOrder(IReadOnlyList<string> sites)
    {
        lock (_append)
        {
            var bySite = _records.ToDictionary(r => r.Header.Site, StringComparer.Ordinal);
            return new View([.. sites.Select(s => bySite[s])]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var record in _records) record.File.Dispose();
        _file.Dispose();
    }

    private string Beside(string site) => $"{_path}.{site}";

    private static byte[] Front(uint magic, UpdateHeader header, int floats)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(header, UpdateHeader.Json);
        var front = new byte[PrefixLength + json.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(front, magic);
        BinaryPrimitives.WriteInt32LittleEndian(front.AsSpan(4), json.Length);
        BinaryPrimitives.WriteInt32LittleEndian(front.AsSpan(8), floats);
        SHA256.HashData(json, front.AsSpan(12));
        json.CopyTo(front, PrefixLength);
        return front;
    }

    private void Recover()
    {
        var length = RandomAccess.GetLength(_file);
        var prefix = new byte[PrefixLength];
        var scratch = new byte[VerifyBytes];
        while (_end + PrefixLength <= length)
        {
            RandomAccess.Read(_file, prefix, _end);
            var (headerLength, floats) = (BinaryPrimitives.ReadInt32LittleEndian(prefix.AsSpan(4)), BinaryPrimitives.ReadInt32LittleEndian(prefix.AsSpan(8)));
            var body = _end + PrefixLength + headerLength;
            var magic = BinaryPrimitives.ReadUInt32LittleEndian(prefix);
            if (magic is not (Magic or MagicBeside) || headerLength <= 0 || floats < 0 || body + (4L * floats) > length) break;
            var json = new byte[headerLength];
            RandomAccess.Read(_file, json, _end + PrefixLength);
            if (!SHA256.HashData(json).AsSpan().SequenceEqual(prefix.AsSpan(12))) break;
            var header = JsonSerializer.Deserialize<UpdateHeader>(json, UpdateHeader.Json)!;
            if (magic == MagicBeside)
            {
                // One body lost with the power does not cost the others: its site is asked again.
                _end = body;
                var beside = Beside(header.Site);
                if (!File.Exists(beside)) continue;
                if (Whole(beside, header, scratch) is { } file) _records.Add(new(header, file, 0));
                continue;
            }
            var own = new PlainStateFile(_file);
            if (header.Sha256 != DigestOfBody(header, own, body, 4L * floats, scratch)) break;
            _records.Add(new(header, own, body));
            _end = body + (4L * floats);
        }
        if (_end < length) RandomAccess.SetLength(_file, _end);
    }

    private StateFile? Whole(string beside, UpdateHeader header, byte[] scratch)
    {
        StateFile? file = null;
        try
        {
            file = _vault.Read(beside);
            if (file.Length == 4L * header.Length && header.Sha256 == DigestOfBody(header, file, 0, 4L * header.Length, scratch)) return file;
        }
        catch (InvalidDataException)
        {
            // Changed, or cut short: its site is asked again.
        }
        file?.Dispose();
        return null;
    }

    private static string DigestOfBody(UpdateHeader header, StateFile file, long position, long bytes, byte[] scratch)
    {
        using var hash = new BodyHash(header.DigestOf);
        for (long done = 0; done < bytes;)
        {
            var read = file.Read(position + done, scratch.AsSpan(0, (int)Math.Min(scratch.Length, bytes - done)));
            hash.Append(scratch.AsSpan(0, read));
            done += read;
        }
        return hash.End();
    }

    private sealed record Entry(UpdateHeader Header, StateFile File, long Body);

    private sealed class View(Entry[] records) : IUpdateSet
    {
        public int Count => records.Length;

        public UpdateHeader Header(int update) => records[update].Header;

        public void Read(int update, int offset, Span<float> destination) =>
            FloatFile.ReadExactly(records[update].File, records[update].Body + (4L * offset), destination);
    }
}
