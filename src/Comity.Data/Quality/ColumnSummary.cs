using Comity.Data.Contracts;
using Comity.Data.Tables;

namespace Comity.Data.Quality;

/// <summary>What one column looks like at a site.</summary>
public sealed record ColumnSummary
{
    /// <summary>The column.</summary>
    public required string Column { get; init; }

    /// <summary>What it holds.</summary>
    public required FeatureKind Kind { get; init; }

    /// <summary>Share of missing values; null: suppressed.</summary>
    public double? MissingShare { get; init; }

    /// <summary>Mean of a number, of an image's samples (from 0 to 1) or of a spectrum; null: none, or too few rows.</summary>
    public double? Mean { get; init; }

    /// <summary>Standard deviation of a number (divisor n).</summary>
    public double? Deviation { get; init; }

    /// <summary>The value that as many rows as the threshold do not exceed: a minimum that is no single person's.</summary>
    public double? Low { get; init; }

    /// <summary>The value that as many rows as the threshold do not fall below.</summary>
    public double? High { get; init; }

    /// <summary>Rows by value of a category, ordinal or boolean.</summary>
    public IReadOnlyList<LevelCount> Levels { get; init; } = [];

    /// <summary>Population stability index against the other sites together; null: not computed.</summary>
    public double? Drift { get; init; }

    /// <summary>The share of the drift that comes from values missing more or less often than at the other sites, in tenths: finer, it would tell counts that are suppressed.</summary>
    public double? DriftMissingShare { get; init; }

    internal static ColumnSummary Of(TableColumn column, int threshold)
    {
        if (column is NumberColumn numbers) return OfNumbers(column.Name, numbers.Values, threshold);
        if (column is GridColumn grid) return OfGrid(grid, threshold);
        var rows = column switch { LevelColumn l => l.Codes.Length, DateColumn d => d.Ticks.Length, TextColumn t => t.Values.Length, _ => 0 };
        var missing = Enumerable.Range(0, rows).Count(column.IsMissing);
        var summary = new ColumnSummary { Column = column.Name, Kind = column.Kind, MissingShare = Share(missing, rows, threshold) };
        if (column is not LevelColumn levels) return summary;
        var counts = new int[levels.Levels.Count];
        foreach (var code in levels.Codes)
            if (code >= 0) counts[code]++;
        return summary with { Levels = Disclosure.Levels(levels.Levels, counts, threshold) };
    }

    private static ColumnSummary OfGrid(GridColumn grid, int threshold)
    {
        var (values, rows, missing) = (new float[grid.Length], grid.Rows, 0);
        double sum = 0, squares = 0;
        for (var row = 0; row < rows; row++)
        {
            if (grid.IsMissing(row))
            {
                missing++;
                continue;
            }
            grid.Read(row, values);
            foreach (var x in values) (sum, squares) = (sum + x, squares + (double)x * x);
        }
        var summary = new ColumnSummary { Column = grid.Name, Kind = grid.Kind, MissingShare = Share(missing, rows, threshold) };
        if (rows == missing || rows - missing < threshold) return summary;
        var n = (double)(rows - missing) * grid.Length;
        var mean = sum / n;
        return summary with { Mean = mean, Deviation = Math.Sqrt(Math.Max(0, squares / n - mean * mean)) };
    }

    internal static ColumnSummary OfNumbers(string name, ReadOnlySpan<float> values, int threshold)
    {
        var known = new List<float>(values.Length);
        foreach (var value in values)
            if (!float.IsNaN(value)) known.Add(value);
        known.Sort();
        var summary = new ColumnSummary { Column = name, Kind = FeatureKind.Number, MissingShare = Share(values.Length - known.Count, values.Length, threshold) };
        if (known.Count == 0 || known.Count < threshold) return summary;
        var mean = known.Average(x => (double)x);
        var reach = Math.Max(1, threshold);
        return summary with
        {
            Mean = mean,
            Deviation = Math.Sqrt(known.Average(x => (x - mean) * (x - mean))),
            Low = known[reach - 1],
            High = known[^reach],
        };
    }

    // Neither a few missing nor a few present values may be counted out.
    private static double? Share(int missing, int rows, int threshold) =>
        rows == 0 || Disclosure.Shown(missing, threshold) is null || Disclosure.Shown(rows - missing, threshold) is null ? null : missing / (double)rows;
}
