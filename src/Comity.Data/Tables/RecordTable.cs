using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Series;
using Comity.Data.Sources;
using Comity.Declarations;

namespace Comity.Data.Tables;

/// <summary>A site's records as typed columns, checked against the contract and cleaned. It never leaves the site.</summary>
/// <remarks>Rows here are those that can be used; <see cref="SourceRows"/> says where each stands in its source.</remarks>
public sealed class RecordTable
{
    private readonly Dictionary<string, TableColumn> _columns;

    internal RecordTable(string site, IReadOnlyList<TableColumn> columns, float[] labels, int[] sourceRows, int testFileFrom, IReadOnlyList<RowIssue> issues)
    {
        (Site, Columns, LabelValues, SourceRowNumbers, TestFileFrom, Issues) = (site, columns, labels, sourceRows, testFileFrom, issues);
        _columns = columns.ToDictionary(c => c.Name, StringComparer.Ordinal);
    }

    /// <summary>The site.</summary>
    public string Site { get; }

    /// <summary>Usable rows.</summary>
    public int Rows => SourceRowNumbers.Length;

    /// <summary>All columns that were read: features, sensitive columns, and those that a split needs.</summary>
    public IReadOnlyList<TableColumn> Columns { get; }

    /// <summary>Label by row, shape [rows]: index of the class, or the value; empty where records carry none (inference).</summary>
    public ReadOnlyMemory<float> Labels => LabelValues;

    /// <summary>Position of each row in its source, from 0, shape [rows]; rows of a test file count on from the main file's.</summary>
    public ReadOnlyMemory<int> SourceRows => SourceRowNumbers;

    /// <summary>First row that came from the separate test file; <see cref="Rows"/> where there is none.</summary>
    public int TestFileFrom { get; }

    /// <summary>What was wrong in single rows, where that is not fatal (inference).</summary>
    public IReadOnlyList<RowIssue> Issues { get; }

    /// <summary>Name of each row's file, shape [rows]; empty where rows are not files.</summary>
    public IReadOnlyList<string> Names { get; internal init; } = [];

    /// <summary>Every step of the series that records are windows of, in order; null: records are rows.</summary>
    public RecordTable? Steps => Windows?.Steps;

    /// <summary>The series that records are windows of; null: each record is a row.</summary>
    internal SeriesWindows? Windows { get; private init; }

    internal float[] LabelValues { get; }

    internal int[] SourceRowNumbers { get; }

    /// <summary>A column by name.</summary>
    /// <exception cref="KeyNotFoundException">No such column was read.</exception>
    public TableColumn this[string column] =>
        _columns.TryGetValue(column, out var found) ? found : throw new KeyNotFoundException($"The table of site '{Site}' has no column '{column}'.");

    /// <summary>Whether a column was read.</summary>
    public bool Has(string column) => _columns.ContainsKey(column);

    /// <summary>Reads one source. For several sites keep one <see cref="TableLoader"/>: it reads a shared file once.</summary>
    /// <returns>The table, or null when it could not be read; see <paramref name="problems"/>.</returns>
    public static RecordTable? Load(
        ContractSection contract, CleanSection clean, SourceSection source, string baseFolder, string site, ProblemList problems) =>
        new TableLoader(contract, new LoadOptions { Clean = clean, BaseFolder = baseFolder }).Load(source, site, problems);

    /// <summary>The same rows with other columns.</summary>
    internal RecordTable With(IReadOnlyList<TableColumn> columns) => new(Site, columns, LabelValues, SourceRowNumbers, TestFileFrom, Issues) { Names = Names };

    /// <summary>These rows as windows of a series, at other positions of the source.</summary>
    internal RecordTable Of(SeriesWindows windows, int[] sourceRows) => new(Site, Columns, LabelValues, sourceRows, TestFileFrom, Issues) { Windows = windows };

    /// <summary>These rows only, in the given order.</summary>
    public RecordTable Take(ReadOnlySpan<int> rows)
    {
        var (labels, sourceRows, before) = (new float[LabelValues.Length == 0 ? 0 : rows.Length], new int[rows.Length], 0);
        for (var i = 0; i < rows.Length; i++)
        {
            if (labels.Length > 0) labels[i] = LabelValues[rows[i]];
            sourceRows[i] = SourceRowNumbers[rows[i]];
            if (rows[i] < TestFileFrom) before++;
        }
        var columns = new TableColumn[Columns.Count];
        for (var i = 0; i < columns.Length; i++) columns[i] = Columns[i].Take(rows);
        return new RecordTable(Site, columns, labels, sourceRows, before, Issues) { Names = Names.Count == 0 ? [] : [.. rows.ToArray().Select(row => Names[row])], Windows = Windows?.Take(rows) };
    }
}

/// <summary>Something wrong with one row that was not fatal.</summary>
/// <param name="Row">Position in the source, from 0.</param>
/// <param name="Line">Line in the file, from 1; 0: no file.</param>
/// <param name="Column">Column.</param>
/// <param name="Code">What was wrong: <c>cell-not-number</c>, <c>cell-out-of-range</c>, <c>cell-unknown-value</c>…</param>
public sealed record RowIssue(int Row, int Line, string Column, string Code);
