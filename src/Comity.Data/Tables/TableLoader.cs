using System.Collections.Concurrent;
using System.Text;
using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Images;
using Comity.Data.Preprocess;
using Comity.Data.Sources;
using Comity.Data.Splits;
using Comity.Data.Texts;
using Comity.Declarations;

namespace Comity.Data.Tables;

/// <summary>How sources are read.</summary>
public sealed record LoadOptions
{
    /// <summary>Folder that relative paths start from: the study's.</summary>
    public string BaseFolder { get; init; } = "";

    /// <summary>How records are cleaned.</summary>
    public CleanSection Clean { get; init; } = new();

    /// <summary>The study's preprocessing: says for which columns a missing value drops the row.</summary>
    public PreprocessSection Preprocess { get; init; } = new();

    /// <summary>The study's split: says which further columns it needs.</summary>
    public SplitSection Split { get; init; } = new();

    /// <summary>Whether a problem may show a cell's shortened value. Only at the console of the data's owner.</summary>
    public bool ShowValues { get; init; }

    /// <summary>Records carry no label, and what is wrong with a cell is noted by row instead of being fatal (inference).</summary>
    public bool ForInference { get; init; }
}

/// <summary>Reads the sources of one study's sites into tables; a file that several sites share is read once.</summary>
/// <remarks>Safe for use by several threads. What it keeps is freed with it.</remarks>
public sealed class TableLoader(ContractSection contract, LoadOptions options)
{
    private readonly ConcurrentDictionary<string, Lazy<(CsvText? Text, ProblemList Problems)>> _shared = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Kind, string Path), Lazy<(object? Value, ProblemList Problems)>> _opened = new();
    private readonly ConcurrentDictionary<(CsvText Text, int Of, ulong Seed, string Rows), Lazy<int[]>> _dealt = new();

    /// <summary>Reads a site's source, checks it against the contract and cleans it.</summary>
    /// <returns>The table, or null when something was wrong; <paramref name="problems"/> says what, all of it at once.</returns>
    public RecordTable? Load(SourceSection source, string site, ProblemList problems, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(problems);
        var found = new ProblemList();
        var builder = new TableBuilder(contract, options, site);
        var read = source.Csv is not null ? ReadCsv(source, builder, found, cancellationToken)
            : source.Files is not null ? ReadFiles(source.Files, source.TestFiles, OpenFiles, source, builder, found, cancellationToken)
            : source.Idx is not null ? ReadFiles(source.Idx, source.TestIdx, OpenIdx, source, builder, found, cancellationToken)
            : source.Conll is not null ? ReadConll(source, builder, found, cancellationToken)
            : source.Text is not null ? ReadText(source, builder, found, cancellationToken)
            : SqlRows.Read(source, options.BaseFolder, builder, found, cancellationToken);
        builder.Problems.Report(found);
        var table = read && !found.HasErrors ? builder.Build(source, found) : null;
        problems.AddRange(found);
        return found.HasErrors ? null : table;
    }

    private bool ReadCsv(SourceSection source, TableBuilder builder, ProblemList problems, CancellationToken cancellationToken)
    {
        if (!ReadFile(source.Csv!, source, builder, problems, cancellationToken)) return false;
        if (source.TestCsv is null) return true;
        builder.TestFileStarts();
        return ReadFile(source.TestCsv, source, builder, problems, cancellationToken);
    }

    private bool ReadFiles<T>(
        T main, T? test, Func<T, SourceSection, ProblemList, FileRecords?> open, SourceSection source, TableBuilder builder, ProblemList problems, CancellationToken cancellationToken)
        where T : class
    {
        foreach (var (part, isTest) in test is null ? [(main, false)] : new[] { (main, false), (test, true) })
        {
            if (isTest) builder.TestFileStarts();
            if (open(part, source, problems) is not { } records || !builder.Bind(records.Header, NameOf(part), problems)) return false;
            if (RowFilter.Bind(source.Rows, [.. records.Header.SkipLast(1)], NameOf(part), problems) is not { } filters) return false;
            if (records.PixelSize is { } size) builder.BarePixels(size.Height, size.Width);
            var rows = Enumerable.Range(0, records.Cells.Count).Where(i => filters.All(f => f.Matches(records.Cells[i][f.Field]))).ToArray();
            source.Part?.Shuffle(rows);
            foreach (var record in source.Part?.Slice(rows) ?? rows)
            {
                cancellationToken.ThrowIfCancellationRequested();
                builder.Add(records.Cells[record], records.Content(record).Span, records.Name(record), record);
            }
            builder.EndOfFile(records.Cells.Count);
        }
        return true;
    }

    private bool ReadText(SourceSection source, TableBuilder builder, ProblemList problems, CancellationToken cancellationToken)
    {
        if (contract.Features.FirstOrDefault(f => f.Tokens is not null) is not { } feature) return false;
        if (Shared(source.Text!, "text", problems, TextPieces.Open) is not { } text || !builder.Bind([feature.Column], source.Text!, problems)) return false;
        var pieces = text.Pieces(feature.Tokens!.Value);
        foreach (var piece in source.Part?.RowsOf(pieces.Count) ?? [.. Enumerable.Range(0, pieces.Count)])
        {
            cancellationToken.ThrowIfCancellationRequested();
            builder.Add([], pieces[piece].Span, source.Text!, piece);
        }
        builder.EndOfFile(pieces.Count);
        return true;
    }

    private bool ReadConll(SourceSection source, TableBuilder builder, ProblemList problems, CancellationToken cancellationToken)
    {
        if (contract.Features.FirstOrDefault(f => f.Tokens is not null) is not { } feature) return false;
        foreach (var (file, isTest) in source.TestConll is null ? [(source.Conll!, false)] : new[] { (source.Conll!, false), (source.TestConll, true) })
        {
            if (isTest) builder.TestFileStarts();
            if (Shared(file, "conll", problems, (path, name, own) => ConllText.Open(path, name, !options.ForInference, own)) is not { } text) return false;
            if (!builder.Bind([feature.Column, contract.Label.Column], file, problems)) return false;
            foreach (var row in source.Part?.RowsOf(text.Sentences.Count) ?? [.. Enumerable.Range(0, text.Sentences.Count)])
            {
                cancellationToken.ThrowIfCancellationRequested();
                var sentence = text.Sentences[row];
                builder.Add([Encoding.UTF8.GetBytes(sentence.Words), Encoding.UTF8.GetBytes(sentence.Tags)], row, sentence.Line);
            }
            builder.EndOfFile(text.Sentences.Count);
        }
        return true;
    }

    private static string NameOf<T>(T part) => part is IdxSection idx ? idx.Images : part as string ?? "";

    private FileRecords? OpenFiles(string path, SourceSection source, ProblemList problems)
    {
        var files = Shared(path, "files", problems, FileCollection.Open);
        return files is null ? null : FileRecords.OfFiles(files, source.Pattern, path, contract, problems);
    }

    private FileRecords? OpenIdx(IdxSection idx, SourceSection source, ProblemList problems)
    {
        var images = Shared(idx.Images, "images", problems, (path, name, own) => Parse(path, name, 3, own));
        var labels = idx.Labels.Length == 0 ? null : Shared(idx.Labels, "labels", problems, (path, name, own) => Parse(path, name, 1, own));
        if (images is null || (labels is null && !options.ForInference)) return null;
        return FileRecords.OfIdx(images, labels, idx.Images, idx.Labels, contract, problems);
    }

    private static IdxFile? Parse(string path, string name, int dimensions, ProblemList problems)
    {
        if (FileBytes.Read(path, name, problems) is not { } bytes) return null;
        try
        {
            return IdxFile.Parse(bytes, dimensions);
        }
        catch (ContentException e)
        {
            problems.Add(Messages.Problem(e.Code, Place.InFile(name), "", FormattableString.Invariant($"{e.Offset}"), e.Detail));
            return null;
        }
    }

    /// <summary>Something that several sites may read: opened once, its problems told at each.</summary>
    private T? Shared<T>(string declared, string kind, ProblemList problems, Func<string, string, ProblemList, T?> open) where T : class
    {
        if (EnvironmentText.Expand(declared, out var unset) is not { } name)
        {
            problems.Add(Messages.Problem("environment-unset", Place.InFile(declared), unset));
            return null;
        }
        var path = Path.Combine(options.BaseFolder, name);
        var (value, found) = _opened.GetOrAdd((kind, path), _ => new Lazy<(object?, ProblemList)>(() =>
        {
            var own = new ProblemList();
            return (open(path, name, own), own);
        })).Value;
        problems.AddRange(found);
        return (T?)value;
    }

    private bool ReadFile(string file, SourceSection source, TableBuilder builder, ProblemList problems, CancellationToken cancellationToken)
    {
        if (EnvironmentText.Expand(file, out var unset) is not { } name)
        {
            problems.Add(Messages.Problem("environment-unset", Place.InFile(file), unset));
            return false;
        }
        var text = Open(Path.Combine(options.BaseFolder, name), name, source, problems);
        if (text is null) return false;
        if (!builder.Bind(text.Header, name, problems, source.Join)) return false;
        builder.ContentIn(Path.GetDirectoryName(Path.GetFullPath(Path.Combine(options.BaseFolder, name))));
        var filters = RowFilter.Bind(source.Rows, text.Header, name, problems);
        if (filters is null) return false;
        if (source.Part is null && filters.Count == 0)
        {
            using var whole = text.Open(line => problems.Add(Messages.Problem("quote-open", Place.InFile(name, line))));
            var record = 0;
            for (; whole.Read(); record++)
            {
                if ((record & 0xFFF) == 0) cancellationToken.ThrowIfCancellationRequested();
                builder.Add(whole, record, text.Line(whole), text.Header.Count);
            }
            builder.EndOfFile(record);
            return true;
        }
        var chosen = Chosen(text, source, filters);
        using var reader = text.Open(chosen);
        foreach (var record in chosen)
        {
            cancellationToken.ThrowIfCancellationRequested();
            reader.Read();
            builder.Add(reader, record, text.Line(record), text.Header.Count);
        }
        builder.EndOfFile(text.Records);
        return true;
    }

    private CsvText? Open(string path, string name, SourceSection source, ProblemList problems)
    {
        // Only parts and conditions make several sites share a file; anything else would be kept for nothing.
        if (source.Part is null && source.Rows.Count == 0) return CsvText.Read(path, name, source, problems);
        var key = string.Join('\u001f', [path, source.Delimiter, source.Skip.ToString(System.Globalization.CultureInfo.InvariantCulture), source.Comment ?? "", source.Trim ? "t" : "", .. source.Header]);
        var (text, found) = _shared.GetOrAdd(key, _ => new Lazy<(CsvText?, ProblemList)>(() =>
        {
            var own = new ProblemList();
            return (CsvText.Read(path, name, source, own), own);
        })).Value;
        problems.AddRange(found);
        return text;
    }

    private int[] Chosen(CsvText text, SourceSection source, IReadOnlyList<RowFilter> filters)
    {
        var rule = string.Join('\u001f', source.Rows.Select(r => $"{r.Column}={string.Join('|', r.Values)}!{string.Join('|', r.Except)}"));
        var (of, seed) = source.Part is { } p ? (p.Of, p.Seed) : (1, 0UL);
        var dealt = _dealt.GetOrAdd((text, of, seed, rule), _ => new Lazy<int[]>(() =>
        {
            var rows = Matching(text, filters);
            source.Part?.Shuffle(rows);
            return rows;
        })).Value;
        return source.Part?.Slice(dealt) ?? dealt;
    }

    private static int[] Matching(CsvText text, IReadOnlyList<RowFilter> filters)
    {
        if (filters.Count == 0) return [.. Enumerable.Range(0, text.Records)];
        var rows = new List<int>();
        using var reader = text.Open();
        for (var record = 0; reader.Read(); record++)
        {
            var all = true;
            foreach (var filter in filters) all &= filter.Matches(reader.GetSpan(filter.Field));
            if (all) rows.Add(record);
        }
        return [.. rows];
    }
}
