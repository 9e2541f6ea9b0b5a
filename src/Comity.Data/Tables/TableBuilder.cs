using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Images;
using Comity.Data.Preprocess;
using Comity.Data.Series;
using Comity.Data.Sources;
using Comity.Declarations;
using CsvHelper;

namespace Comity.Data.Tables;

/// <summary>Takes records one by one into typed columns, then cleans them into a <see cref="RecordTable"/>.</summary>
internal sealed class TableBuilder
{
    private readonly ContractSection _contract;
    private readonly LoadOptions _options;
    private readonly string _site;
    private readonly List<ColumnReader> _readers = [];
    private readonly ColumnReader? _label;
    private readonly SeriesOrder? _order;
    private readonly List<int> _sourceRows = [];
    private readonly List<bool> _keep = [];
    private readonly List<string> _names = [];
    private readonly List<(int Field, ColumnReader Reader)> _bound = [];
    private string _file = "";
    private readonly List<byte> _joined = [];
    private List<int[]> _joins = [];
    private int _before;
    private int? _testFileFrom;
    private bool _broken;
    private float[]? _tagCounts;

    public TableBuilder(ContractSection contract, LoadOptions options, string site)
    {
        (_contract, _options, _site) = (contract, options, site);
        Problems = new CellProblems(options.ShowValues, options.ForInference);
        foreach (var feature in contract.Features) _readers.Add(ColumnReader.Of(feature, contract.Missing, options.Clean, Problems));
        if (contract.Series is { } series)
            _order = new SeriesOrder(series.Order, contract.Features.FirstOrDefault(f => f.Column == series.Order)?.Format, contract.Missing, Problems);
        if (options.ForInference) return;
        foreach (var sensitive in contract.Sensitive)
        {
            if (Reads(sensitive.Column)) continue;
            _readers.Add(sensitive.Cuts.Count > 0
                ? new NumberReader(sensitive.Column, contract.Missing, null, OutOfRange.Error, Problems)
                : new LevelReader(sensitive.Column, FeatureKind.Category, [], contract.Missing, Problems));
        }
        foreach (var column in options.Split.NeededColumns.Distinct())
            if (!Reads(column) && column != contract.Label.Column) _readers.Add(new LevelReader(column, FeatureKind.Category, [], contract.Missing, Problems));
        foreach (var column in options.Clean.Smoothing.Select(s => s.Order).Append(options.Split.Time).OfType<string>().Distinct())
            if (!Reads(column)) _readers.Add(new OrderReader(column, contract.Missing, Problems));
        if (contract.Label.IsText) return;
        if (contract.Label.IsTags)
        {
            _label = new TagReader(contract.Label, [.. contract.Missing, .. contract.Label.Missing], Problems);
            return;
        }
        _label = contract.Label.Kind == LabelKind.Number
            ? new NumberReader(contract.Label.Column, [.. contract.Missing, .. contract.Label.Missing], contract.Label.Range, OutOfRange.Error, Problems)
            : new LabelReader(contract.Label, [.. contract.Missing, .. contract.Label.Missing], Problems);
    }

    public CellProblems Problems { get; }

    /// <summary>Finds the columns in a source; false, with all that are not there among the problems.</summary>
    /// <param name="header">The source's columns.</param>
    /// <param name="file">The source, for people.</param>
    /// <param name="problems">Where problems go.</param>
    /// <param name="joins">Further columns, made of others.</param>
    public bool Bind(IReadOnlyList<string> header, string file, ProblemList problems, IReadOnlyDictionary<string, IReadOnlyList<string>>? joins = null)
    {
        _joins = [];
        foreach (var (column, parts) in joins ?? new Dictionary<string, IReadOnlyList<string>>())
        {
            int[] fields = [.. parts.Select(part => header.ToList().IndexOf(part))];
            foreach (var part in parts.Where(part => !header.Contains(part)))
                problems.Add(Messages.Problem("column-unknown", Place.InFile(file, 1), part, string.Join(", ", header), Spelling.Nearest(part, header) ?? "–"));
            if (fields.Contains(-1)) return false;
            header = [.. header, column];
            _joins.Add(fields);
        }
        (_file, var positions) = (file, new Dictionary<string, int>(StringComparer.Ordinal));
        for (var i = 0; i < header.Count; i++) positions.TryAdd(header[i], i);
        _bound.Clear();
        var found = true;
        foreach (var reader in _readers.Concat(new ColumnReader?[] { _label, _order }.OfType<ColumnReader>()))
        {
            if (positions.TryGetValue(reader.Name, out var field))
            {
                _bound.Add((field, reader));
                continue;
            }
            found = false;
            problems.Add(Messages.Problem("column-unknown", Place.InFile(file, 1), reader.Name, string.Join(", ", header), Spelling.Nearest(reader.Name, header) ?? "–"));
        }
        return found;
    }

    /// <summary>The records that follow come from the separate test file.</summary>
    public void TestFileStarts() => _testFileFrom = _sourceRows.Count;

    /// <summary>A file ended; positions of the next file's rows count on from here.</summary>
    public void EndOfFile(int records) => _before += records;

    /// <summary>Takes one CSV record.</summary>
    public void Add(CsvReader fields, int record, int line, int width)
    {
        var row = _before + record;
        if (fields.FieldCount != width)
        {
            Problems.Add("record-width", "", new CellPlace(_file, row, line, 0), Encoding.UTF8.GetBytes(fields.FieldCount.ToString(CultureInfo.InvariantCulture)), width.ToString(CultureInfo.InvariantCulture));
            // For inference the row must still be answered; its cells count as missing.
            if (!_options.ForInference)
            {
                _broken = true;
                return;
            }
        }
        var keep = true;
        foreach (var (field, reader) in _bound)
            keep &= reader.Add(fields.FieldCount != width ? [] : field < width ? fields.GetSpan(field) : Joined(fields, _joins[field - width]), new CellPlace(_file, row, line, field < width ? field + 1 : _joins[field - width][0] + 1));
        _sourceRows.Add(row);
        _keep.Add(keep);
    }

    // Parts of a date, say, with blanks between them; empty as soon as one of them is.
    private ReadOnlySpan<byte> Joined(CsvReader fields, int[] parts)
    {
        _joined.Clear();
        foreach (var part in parts)
        {
            var cell = fields.GetSpan(part);
            if (cell.IsEmpty) return [];
            if (_joined.Count > 0) _joined.Add((byte)' ');
            _joined.AddRange(cell);
        }
        return CollectionsMarshal.AsSpan(_joined);
    }

    /// <summary>Says where the files of image and sound columns are: beside the source whose cells name them, or null for cells that are the files themselves.</summary>
    public void ContentIn(string? folder)
    {
        foreach (var reader in _readers.OfType<ContentReader>()) reader.Folder = folder;
    }

    /// <summary>The images that follow are bare grey pixels of this size.</summary>
    public void BarePixels(int height, int width)
    {
        foreach (var reader in _readers.OfType<ImageReader>()) reader.BarePixels = (height, width);
    }

    /// <summary>Takes one record whose cells come from a file's name and content.</summary>
    /// <param name="cells">Cells in the order of the header; the last one is the content.</param>
    /// <param name="content">The file.</param>
    /// <param name="name">The file's name, for people.</param>
    /// <param name="record">Position in the source.</param>
    public void Add(IReadOnlyList<byte[]> cells, ReadOnlySpan<byte> content, string name, int record)
    {
        var (row, keep) = (_before + record, true);
        foreach (var (field, reader) in _bound)
            keep &= reader.Add(field < cells.Count ? cells[field] : content, new CellPlace(name, row, 0, 0));
        _sourceRows.Add(row);
        _keep.Add(keep);
        _names.Add(name);
    }

    /// <summary>Takes one record of a file whose lines it stands in.</summary>
    /// <param name="cells">Cells in the order of the header.</param>
    /// <param name="record">Position in the source.</param>
    /// <param name="line">Its first line, from 1.</param>
    public void Add(IReadOnlyList<byte[]> cells, int record, int line)
    {
        var (row, keep) = (_before + record, true);
        foreach (var (field, reader) in _bound) keep &= reader.Add(cells[field], new CellPlace(_file, row, line, 0));
        _sourceRows.Add(row);
        _keep.Add(keep);
    }

    /// <summary>Takes one record of a query's result.</summary>
    public void Add(Func<int, string> cell, int record)
    {
        var keep = true;
        foreach (var (field, reader) in _bound)
            keep &= reader.Add(Encoding.UTF8.GetBytes(cell(field)), new CellPlace(_file, record, 0, field + 1));
        _sourceRows.Add(record);
        _keep.Add(keep);
    }

    /// <summary>The table, cleaned; what is odd but not fatal is added to the problems as warnings.</summary>
    public RecordTable? Build(SourceSection source, ProblemList problems)
    {
        var place = Place.InFile(_file);
        if (_broken) return null;
        if (_sourceRows.Count == 0)
        {
            problems.Add(Messages.Problem(source.Rows.Count > 0 || source.Part is not null ? "site-no-rows" : "source-empty", place, _site));
            return null;
        }
        var columns = _readers.Select(r => r.Build()).ToList();
        if (_label is TagReader tags)
        {
            columns.Add(tags.Build());
            _tagCounts = tags.Counts((TextColumn)columns[0], _contract.Features[0].Tokens!.Value, out var cut);
            Problems.Report(problems);
            if (problems.HasErrors) return null;
            if (cut > 0) problems.Add(Messages.Warning("tags-cut", place, cut, _contract.Features[0].Tokens, _site));
        }
        var labels = _tagCounts ?? _label switch { null => _contract.Label.IsText && !_options.ForInference ? Lengths((TextColumn)columns.First(c => c.Name == _contract.Label.Column)) : [], LabelReader classes => [.. classes.Classes], _ => ((NumberColumn)_label.Build()).Values.ToArray() };
        var unlabelled = 0;
        for (var i = 0; i < _keep.Count; i++)
        {
            if (_order is null && labels.Length > 0 && float.IsNaN(labels[i])) (_keep[i], unlabelled) = (false, unlabelled + 1);
            foreach (var column in columns)
                if (!_options.ForInference && _options.Preprocess.MissingFor(column.Name) == MissingPolicy.DropRow && IsFeature(column.Name) && column.IsMissing(i)) _keep[i] = false;
        }
        if (unlabelled > 0) problems.Add(Messages.Warning("label-missing", place, _contract.Label.Column, unlabelled));
        var all = new RecordTable(_site, columns, labels, [.. _sourceRows], _testFileFrom ?? _sourceRows.Count, Problems.Issues) { Names = _names.Count == _sourceRows.Count ? [.. _names] : [] };
        if (_order is not null) return Windows(all, place, problems);
        if (_options.ForInference) return all;
        var kept = Cleaner.Clean(all, _keep, _contract, _options.Clean, place, problems);
        if (kept.Rows == 0) problems.Add(Messages.Problem("site-no-usable-rows", place, _site, all.Rows));
        else LabelCheck(kept, place, problems);
        return kept;
    }

    private RecordTable? Windows(RecordTable steps, Place place, ProblemList problems)
    {
        foreach (var smoothing in _options.Clean.Smoothing) Smoother.Smooth(steps, smoothing);
        var records = WindowCutter.Cut(steps, _keep, _order!.Keys, _contract.Series!, [.. _contract.Features.Select(f => f.Column)], place, _options.ForInference, problems);
        if (records is not null && !_options.ForInference) LabelCheck(records, place, problems);
        return records;
    }

    private void LabelCheck(RecordTable table, Place place, ProblemList problems)
    {
        var names = _contract.Label.ClassNames;
        if (names.Count == 0) return;
        var counts = new int[names.Count];
        foreach (var label in table.LabelValues) counts[(int)label]++;
        var present = counts.Count(c => c > 0);
        // One class can neither be learnt nor told apart at this site, but it can still take part in a federation.
        if (present == 1) problems.Add(Messages.Warning("label-one-class", place, _site, names[Array.FindIndex(counts, c => c > 0)], table.Rows));
        else if (names.Count > 2 && present < names.Count)
            problems.Add(Messages.Warning("label-class-absent", place, _site, string.Join(", ", names.Where((_, i) => counts[i] == 0))));
        var few = names.Where((_, i) => counts[i] is > 0 and < 10).ToArray();
        if (present > 1 && few.Length > 0) problems.Add(Messages.Warning("label-few", place, _site, string.Join(", ", few), 10));
    }

    // A text's label is how many characters it has to tell.
    private float[] Lengths(TextColumn texts)
    {
        var most = _contract.Features[0].Tokens!.Value;
        var lengths = new float[texts.Values.Length];
        for (var i = 0; i < lengths.Length; i++) lengths[i] = texts.Values[i] is { } text ? Math.Min(most, text.EnumerateRunes().Count()) : float.NaN;
        return lengths;
    }

    private bool IsFeature(string column) => _contract.Features.Any(f => f.Column == column);

    private bool Reads(string column) => _readers.Any(r => r.Name == column);
}
