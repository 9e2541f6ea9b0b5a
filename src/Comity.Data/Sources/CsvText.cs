using System.IO.Compression;
using System.Text.Unicode;
using Comity.Declarations;

namespace Comity.Data.Sources;

/// <summary>A CSV file's bytes with the places of its records: read once, then any record can be cut into fields on its own.</summary>
/// <remarks>
/// RFC 4180 in UTF-8: quoted fields may hold delimiters, line ends and doubled quotes; lines end in LF or CRLF; blank lines
/// and comment lines are no records. The bytes stay as they are, so a file costs its own size until its columns are typed.
/// CsvHelper was measured first: it makes a string of each cell and set-up costs more than a small site's whole file
/// (docs/data.md has the figures); besides, it can't hand out one record out of 60,000 without reading the others.
/// </remarks>
internal sealed class CsvText
{
    private readonly byte[] _bytes;
    private readonly int _length;
    private readonly List<int> _starts = [];
    private readonly List<int> _lines = [];

    private CsvText(byte[] bytes, int length, byte delimiter, bool trim) => (_bytes, _length, Delimiter, Trim) = (bytes, length, delimiter, trim);

    public byte Delimiter { get; }

    public bool Trim { get; }

    /// <summary>Records, the header line not among them.</summary>
    public int Records => _starts.Count;

    /// <summary>Names of the columns: the header line's, or those that were declared.</summary>
    public IReadOnlyList<string> Header { get; private set; } = [];

    /// <summary>Line of a record's first field, from 1.</summary>
    public int Line(int record) => _lines[record];

    /// <summary>Bytes from the start of a record to the end of the file.</summary>
    public ReadOnlySpan<byte> From(int record) => _bytes.AsSpan(_starts[record], _length - _starts[record]);

    /// <summary>Reads a file; null, with the reason among the problems, where that can't be done.</summary>
    /// <param name="path">Path to open.</param>
    /// <param name="name">The file as the user named it, for problems.</param>
    /// <param name="source">How it is written.</param>
    /// <param name="problems">Where problems go.</param>
    public static CsvText? Read(string path, string name, SourceSection source, ProblemList problems)
    {
        var place = Place.InFile(name);
        try
        {
            var (bytes, length) = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? Unzip(path) : Plain(path);
            var text = new CsvText(bytes, length, source.Delimiter == "tab" ? (byte)'\t' : (byte)source.Delimiter[0], source.Trim);
            return text.Index(source, name, problems) ? text : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            problems.Add(Messages.Problem("source-missing", place, name));
        }
        catch (InvalidDataException e)
        {
            problems.Add(Messages.Problem("gzip-broken", place, e.Message));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(Messages.Problem("source-unreadable", place, e.Message));
        }
        return null;
    }

    private static (byte[] Bytes, int Length) Plain(string path)
    {
        var bytes = File.ReadAllBytes(path);
        return (bytes, bytes.Length);
    }

    private static (byte[] Bytes, int Length) Unzip(string path)
    {
        using var file = File.OpenRead(path);
        // An archive that was cut off ends without its trailer; the platform's reader takes that for the end of the data.
        if (file.Length < 18) throw new InvalidDataException($"{file.Length} bytes");
        Span<byte> trailer = stackalloc byte[4];
        file.Seek(-4, SeekOrigin.End);
        file.ReadExactly(trailer);
        file.Seek(0, SeekOrigin.Begin);
        var stated = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        using var unzip = new GZipStream(file, CompressionMode.Decompress);
        using var all = new MemoryStream((int)Math.Min(Math.Max(stated, 256), file.Length * 64L));
        unzip.CopyTo(all);
        if ((uint)all.Length != stated) throw new InvalidDataException($"{all.Length} ≠ {stated}");
        return (all.GetBuffer(), (int)all.Length);
    }

    private bool Index(SourceSection source, string name, ProblemList problems)
    {
        var bytes = _bytes.AsSpan(0, _length);
        var position = bytes.StartsWith("\uFEFF"u8) ? 3 : 0;
        if (!Utf8.IsValid(bytes))
        {
            problems.Add(Messages.Problem("not-utf8", Place.InFile(name, LineOfBadByte(bytes))));
            return false;
        }
        var line = 1;
        for (var i = 0; i < source.Skip && position < _length; i++, line++) position = AfterLine(position);
        var comment = source.Comment is { Length: > 0 } text ? System.Text.Encoding.UTF8.GetBytes(text) : null;
        var wantsHeader = source.Header.Count == 0;
        if (!wantsHeader) Header = source.Header;
        while (position < _length)
        {
            var rest = bytes[position..];
            if (comment is not null && rest.StartsWith(comment) || rest[0] == (byte)'\n' || rest.StartsWith("\r\n"u8))
            {
                (position, line) = (AfterLine(position), line + 1);
                continue;
            }
            if (wantsHeader)
            {
                var fields = new CsvFields(this);
                fields.Cut(rest);
                var names = new string[fields.Count];
                for (var i = 0; i < names.Length; i++) names[i] = System.Text.Encoding.UTF8.GetString(fields[i]).Trim();
                (Header, wantsHeader) = (names, false);
            }
            else
            {
                _starts.Add(position);
                _lines.Add(line);
            }
            position = AfterRecord(position, ref line);
        }
        if (wantsHeader) problems.Add(Messages.Problem("source-empty", Place.InFile(name)));
        foreach (var twice in Header.GroupBy(h => h, StringComparer.Ordinal).Where(g => g.Count() > 1))
            problems.Add(Messages.Problem("header-twice", Place.InFile(name, 1), twice.Key));
        return !wantsHeader;
    }

    private static int LineOfBadByte(ReadOnlySpan<byte> bytes)
    {
        var line = 1;
        while (bytes.IndexOf((byte)'\n') is >= 0 and var end && Utf8.IsValid(bytes[..end]))
        {
            bytes = bytes[(end + 1)..];
            line++;
        }
        return line;
    }

    private int AfterLine(int position)
    {
        var end = _bytes.AsSpan(position, _length - position).IndexOf((byte)'\n');
        return end < 0 ? _length : position + end + 1;
    }

    private int AfterRecord(int position, ref int line)
    {
        // Only a quote that opens a field hides line ends; elsewhere it is an ordinary character (as in 5'11").
        var (inside, opens) = (false, true);
        while (position < _length)
        {
            var rest = _bytes.AsSpan(position, _length - position);
            if (inside)
            {
                var next = rest.IndexOfAny((byte)'"', (byte)'\n');
                if (next < 0) return _length;
                position += next + 1;
                if (rest[next] == (byte)'\n') line++;
                else if (position < _length && _bytes[position] == (byte)'"') position++;
                else inside = false;
                opens = false;
                continue;
            }
            if (opens && rest[0] == (byte)'"')
            {
                (inside, position) = (true, position + 1);
                continue;
            }
            if (opens && Trim && rest[0] == (byte)' ')
            {
                position++;
                continue;
            }
            var stop = rest.IndexOfAny(Delimiter, (byte)'\n');
            if (stop < 0) return _length;
            position += stop + 1;
            if (rest[stop] == (byte)'\n')
            {
                line++;
                return position;
            }
            opens = true;
        }
        return _length;
    }
}
