using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Comity.Federation.Rounds;
using Microsoft.Win32.SafeHandles;

namespace Comity.Federation.Spool;

/// <summary>One round's updates in one append-only file, in the order of their arrival.</summary>
/// <remarks>
/// <code>
/// record = magic u32 | header length i32 | body length i32 (floats) | SHA-256 of header | header (JSON) | body (little-endian floats)
/// </code>
/// The header carries the body's digest, so a spool describes itself: after a crash it is read from the front and cut
/// at the first record that is torn. Nothing is fsynced here: a body lost with the power is asked for again.
/// </remarks>
public sealed class UpdateSpool : IDisposable
{
    private const uint Magic = 0x44505543; // "CUPD"
    private const int PrefixLength = 12 + SHA256.HashSizeInBytes;
    private const int VerifyBytes = 1 << 18;

    private readonly Lock _append = new();
    private readonly SafeFileHandle _file;
    private readonly List<(UpdateHeader Header, long Body)> _records = [];
    private long _end;

    private UpdateSpool(SafeFileHandle file) => _file = file;

    /// <summary>Opens a spool, or begins one. What an earlier process left whole is there again.</summary>
    public static UpdateSpool Open(string path)
    {
        if (!BitConverter.IsLittleEndian) throw new PlatformNotSupportedException("Spools are little-endian; this machine is not.");
        var spool = new UpdateSpool(File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite));
        spool.Recover();
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
        var json = JsonSerializer.SerializeToUtf8Bytes(header, UpdateHeader.Json);
        var front = new byte[PrefixLength + json.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(front, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(front.AsSpan(4), json.Length);
        BinaryPrimitives.WriteInt32LittleEndian(front.AsSpan(8), body.Length);
        SHA256.HashData(json, front.AsSpan(12));
        json.CopyTo(front, PrefixLength);
        lock (_append)
        {
            RandomAccess.Write(_file, front, _end);
            RandomAccess.Write(_file, MemoryMarshal.AsBytes(body), _end + front.Length);
            _records.Add((header, _end + front.Length));
            _end += front.Length + (4L * body.Length);
        }
    }

    /// <summary>The updates of the given sites, in the given order.</summary>
    public IUpdateSet InOrder(IReadOnlyList<string> sites)
    {
        lock (_append)
        {
            var bySite = _records.ToDictionary(r => r.Header.Site, StringComparer.Ordinal);
            return new View(_file, [.. sites.Select(s => bySite[s])]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

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
            if (BinaryPrimitives.ReadUInt32LittleEndian(prefix) != Magic || headerLength <= 0 || floats < 0 || body + (4L * floats) > length) break;
            var json = new byte[headerLength];
            RandomAccess.Read(_file, json, _end + PrefixLength);
            if (!SHA256.HashData(json).AsSpan().SequenceEqual(prefix.AsSpan(12))) break;
            var header = JsonSerializer.Deserialize<UpdateHeader>(json, UpdateHeader.Json)!;
            if (header.Sha256 != DigestOfBody(body, 4L * floats, scratch)) break;
            _records.Add((header, body));
            _end = body + (4L * floats);
        }
        if (_end < length) RandomAccess.SetLength(_file, _end);
    }

    private string DigestOfBody(long position, long bytes, byte[] scratch)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long done = 0; done < bytes;)
        {
            var read = RandomAccess.Read(_file, scratch.AsSpan(0, (int)Math.Min(scratch.Length, bytes - done)), position + done);
            hash.AppendData(scratch, 0, read);
            done += read;
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private sealed class View(SafeFileHandle file, (UpdateHeader Header, long Body)[] records) : IUpdateSet
    {
        public int Count => records.Length;

        public UpdateHeader Header(int update) => records[update].Header;

        public void Read(int update, int offset, Span<float> destination) =>
            FloatFile.ReadExactly(file, records[update].Body + (4L * offset), destination);
    }
}
