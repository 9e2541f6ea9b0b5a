using System.Text.Unicode;
using Comity.Declarations;
using CsvHelper;

namespace Comity.Data.Sources;

/// <summary>A CSV file's bytes and how they are written; records are cut on demand, from the whole file or from some of its records.</summary>
/// <remarks>The bytes stay as they are (UTF-8), so a file costs its own size until its columns are typed.</remarks>
internal sealed class CsvText
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly CsvReaderOptions _options;
    private readonly int _skipped;
    private readonly Lazy<(List<int> Starts, List<int> Lines)> _index;

    private CsvText(ReadOnlyMemory<byte> bytes, int skipped, SourceSection source)
    {
        (_bytes, _skipped) = (bytes, skipped);
        _options = new CsvReaderOptions
        {
            Separator = source.Delimiter == "tab" ? '\t' : source.Delimiter[0],
            HasHeader = source.Header.Count == 0,
            CommentPrefix = source.Comment?[0],
            TrimWhitespace = source.Trim,
            TrackLineNumbers = true,
            IncludeValuesInExceptions = false,
        };
        _index = new Lazy<(List<int>, List<int>)>(Index);
    }

    /// <summary>Names of the columns: the header line's, or those that were declared.</summary>
    public IReadOnlyList<string> Header { get; private set; } = [];

    /// <summary>Records in the file; counting them reads it once.</summary>
    public int Records => _index.Value.Starts.Count;

    /// <summary>A reader over the whole file.</summary>
    /// <param name="quoteOpen">Told the line of a record whose quote is never closed: it would swallow the rest of the file unseen.</param>
    public CsvReader Open(Action<int>? quoteOpen = null) => CsvReader.Create(_bytes, quoteOpen is null ? _options : _options with
    {
        OnMalformedRecord = record =>
        {
            if (record.Reason == CsvMalformedReason.UnterminatedQuote) quoteOpen((int)record.LineNumber + _skipped);
        },
    });

    /// <summary>A reader over these records only, in the given order, without a header.</summary>
    public CsvReader Open(ReadOnlySpan<int> records)
    {
        var (starts, _) = _index.Value;
        var gathered = new MemoryStream();
        foreach (var record in records)
        {
            gathered.Write(_bytes.Span[starts[record]..(record + 1 < starts.Count ? starts[record + 1] : _bytes.Length)]);
            gathered.WriteByte((byte)'\n'); // the file's last record may lack its own; a blank line is no record
        }
        return CsvReader.Create(gathered.GetBuffer().AsMemory(0, (int)gathered.Length), _options with { HasHeader = false });
    }

    /// <summary>Line of a record in the file, from 1.</summary>
    public int Line(int record) => _index.Value.Lines[record];

    /// <summary>Line in the file of a reader's current record, from 1.</summary>
    public int Line(CsvReader reader) => (int)reader.LineNumber + _skipped;

    /// <summary>Reads a file; null, with the reason among the problems, where that can't be done.</summary>
    /// <param name="path">Path to open.</param>
    /// <param name="name">The file as the user named it, for problems.</param>
    /// <param name="source">How it is written.</param>
    /// <param name="problems">Where problems go.</param>
    public static CsvText? Read(string path, string name, SourceSection source, ProblemList problems)
    {
        if (FileBytes.Read(path, name, problems) is not { } bytes) return null;
        if (!Utf8.IsValid(bytes.Span))
        {
            problems.Add(Messages.Problem("not-utf8", Place.InFile(name, LineOfBadByte(bytes.Span))));
            return null;
        }
        for (var i = 0; i < source.Skip; i++) bytes = bytes[AfterLine(bytes.Span)..];
        var text = new CsvText(bytes, source.Skip, source);
        return text.FindHeader(source, name, problems) ? text : null;
    }

    private bool FindHeader(SourceSection source, string name, ProblemList problems)
    {
        using var reader = Open();
        reader.ReadHeader();
        Header = source.Header.Count > 0 ? source.Header : [.. reader.Headers.Select(h => h.Trim())];
        foreach (var twice in Header.GroupBy(h => h, StringComparer.Ordinal).Where(g => g.Count() > 1))
            problems.Add(Messages.Problem("header-twice", Place.InFile(name, 1 + _skipped), twice.Key));
        if (Header.Count == 0) problems.Add(Messages.Problem("source-empty", Place.InFile(name)));
        return Header.Count > 0;
    }

    private (List<int> Starts, List<int> Lines) Index()
    {
        var (starts, lines) = (new List<int>(), new List<int>());
        using var reader = Open();
        while (reader.Read())
        {
            starts.Add((int)reader.ByteOffset);
            lines.Add(Line(reader));
        }
        return (starts, lines);
    }

    private static int LineOfBadByte(ReadOnlySpan<byte> bytes)
    {
        var line = 1;
        for (var end = AfterLine(bytes); end > 0 && Utf8.IsValid(bytes[..end]); end = AfterLine(bytes))
        {
            bytes = bytes[end..];
            line++;
        }
        return line;
    }

    private static int AfterLine(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)'\n');
        return end < 0 ? bytes.Length : end + 1;
    }
}
