using System.Buffers.Binary;
using System.Text;

namespace Comity.Serving.Releases;

/// <summary>A zip file of which every byte has one legal value: entries are stored, without dates, extras, comments or gaps.</summary>
/// <remarks>
/// <code>
/// local header, name, bytes   one after another
/// central directory           follows from the local headers, byte for byte
/// end record                  the file's last 22 bytes
/// </code>
/// Any zip program opens it. Since nothing is compressed nothing can expand, and since nothing is free to choose two readers can't
/// see different content in it. PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
/// </remarks>
internal static class StoredZip
{
    private const uint Local = 0x04034b50, Central = 0x02014b50, End = 0x06054b50;
    private const ushort Version = 20, Utf8Names = 0x0800, FirstOfJanuary1980 = 0x0021;
    private const int LocalLength = 30, CentralLength = 46, EndLength = 22;
    private const int MostEntries = 64, LongestName = 200;
    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(n => Enumerable.Range(0, 8).Aggregate((uint)n, (c, _) => (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1))];

    /// <summary>An entry found in a file.</summary>
    internal sealed record Entry(string Name, long Offset, uint Length, uint Crc);

    /// <summary>Writes a file.</summary>
    public static void Write(Stream stream, IReadOnlyList<KeyValuePair<string, byte[]>> entries)
    {
        var found = new List<Entry>();
        long at = 0;
        foreach (var (name, bytes) in entries)
        {
            var entry = new Entry(name, at + LocalLength + Encoding.UTF8.GetByteCount(name), (uint)bytes.Length, Crc(bytes));
            var header = LocalHeader(entry);
            stream.Write(header);
            stream.Write(bytes);
            at += header.Length + bytes.Length;
            found.Add(entry);
        }
        if (at > uint.MaxValue) throw new ArgumentException("A release is at most 4 GiB.", nameof(entries));
        stream.Write(Directory(found, at));
    }

    /// <summary>Finds the entries; what is not exactly as it would have been written is refused by name.</summary>
    /// <exception cref="ReleaseRefusedException">The file is foreign, cut off, or not in the one legal form.</exception>
    public static IReadOnlyList<Entry> Read(Stream stream, string file, IReadOnlySet<string> known)
    {
        var entries = new List<Entry>();
        var header = new byte[LocalLength];
        long at = 0;
        while (true)
        {
            stream.Position = at;
            if (stream.Length - at < 4) throw Refused(at == 0 ? "release-foreign" : "release-truncated", file, at);
            stream.ReadExactly(header.AsSpan(0, 4));
            if (BinaryPrimitives.ReadUInt32LittleEndian(header) != Local) break;
            if (stream.Length - at < LocalLength) throw Refused("release-truncated", file, at);
            stream.ReadExactly(header.AsSpan(4));
            ushort Short(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(offset));
            uint Word(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(offset));
            if (Short(8) != 0) throw Refused("release-compressed", file, at);
            var (nameLength, length) = (Short(26), Word(22));
            if (nameLength is 0 or > LongestName) throw Refused("release-malformed", file, at);
            if (stream.Length - at - LocalLength < nameLength + (long)length) throw Refused("release-truncated", file, at);
            var name = new byte[nameLength];
            stream.ReadExactly(name);
            var entry = new Entry(Encoding.UTF8.GetString(name), at + LocalLength + nameLength, length, Word(14));
            if (!known.Contains(entry.Name)) throw Refused("release-entry-unknown", file, Shown(entry.Name));
            if (entries.Any(e => e.Name == entry.Name)) throw Refused("release-entry-twice", file, entry.Name);
            if (entries.Count == MostEntries || !LocalHeader(entry).AsSpan(0, LocalLength).SequenceEqual(header)) throw Refused("release-malformed", file, at);
            entries.Add(entry);
            at = entry.Offset + length;
        }
        if (entries.Count == 0) throw Refused("release-foreign", file, 0);
        var expected = Directory(entries, at);
        if (stream.Length - at < expected.Length) throw Refused("release-truncated", file, at);
        if (stream.Length - at > expected.Length) throw Refused("release-malformed", file, at);
        var tail = new byte[expected.Length];
        stream.Position = at;
        stream.ReadExactly(tail);
        if (!tail.AsSpan().SequenceEqual(expected)) throw Refused("release-malformed", file, at);
        return entries;
    }

    /// <summary>CRC-32 of ISO 3309, as zip has it.</summary>
    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes) crc = Table[(byte)(crc ^ b)] ^ (crc >> 8);
        return ~crc;
    }

    private static byte[] LocalHeader(Entry entry)
    {
        var name = Encoding.UTF8.GetBytes(entry.Name);
        var header = new byte[LocalLength + name.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Local);
        Shared(header.AsSpan(4), entry, name.Length);
        name.CopyTo(header, LocalLength);
        return header;
    }

    private static byte[] Directory(List<Entry> entries, long at)
    {
        using var bytes = new MemoryStream();
        foreach (var entry in entries)
        {
            var name = Encoding.UTF8.GetBytes(entry.Name);
            var header = new byte[CentralLength];
            BinaryPrimitives.WriteUInt32LittleEndian(header, Central);
            BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(4), Version);
            Shared(header.AsSpan(6), entry, name.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(42), (uint)(entry.Offset - LocalLength - name.Length));
            bytes.Write(header);
            bytes.Write(name);
        }
        var end = new byte[EndLength];
        BinaryPrimitives.WriteUInt32LittleEndian(end, End);
        BinaryPrimitives.WriteUInt16LittleEndian(end.AsSpan(8), (ushort)entries.Count);
        BinaryPrimitives.WriteUInt16LittleEndian(end.AsSpan(10), (ushort)entries.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(12), (uint)bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(16), (uint)at);
        bytes.Write(end);
        return bytes.ToArray();
    }

    // The 26 bytes that both headers share, from 'version needed' to 'length of the extra field'.
    private static void Shared(Span<byte> to, Entry entry, int nameLength)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to, Version);
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], Utf8Names);
        BinaryPrimitives.WriteUInt16LittleEndian(to[8..], FirstOfJanuary1980);
        BinaryPrimitives.WriteUInt32LittleEndian(to[10..], entry.Crc);
        BinaryPrimitives.WriteUInt32LittleEndian(to[14..], entry.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(to[18..], entry.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(to[22..], (ushort)nameLength);
    }

    private static ReleaseRefusedException Refused(string code, string file, object argument) => new(Messages.Problem(code, Declarations.Place.InFile(file), argument));

    // A name from a foreign file may hold anything; only plain characters are shown.
    private static string Shown(string name) => string.Concat(name.Take(80).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '/' or '\\' ? c : '?'));
}
