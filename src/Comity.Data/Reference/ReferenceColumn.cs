using Comity.Data.Contracts;
using Comity.Data.Quality;
using Comity.Data.Tables;

namespace Comity.Data.Reference;

/// <summary>How the values of one column were spread.</summary>
public sealed record ReferenceColumn
{
    /// <summary>The column.</summary>
    public required string Column { get; init; }

    /// <summary>What it holds: a number, or something with levels.</summary>
    public required FeatureKind Kind { get; init; }

    /// <summary>Records, those without a value included.</summary>
    public required int Rows { get; init; }

    /// <summary>Records without a value; null: some, but fewer than the threshold.</summary>
    public int? Missing { get; init; }

    /// <summary>Upper ends of a number's bins, ascending; the last bin has none. A value on an end belongs to the bin below it.</summary>
    public IReadOnlyList<double> Cuts { get; init; } = [];

    /// <summary>Values of a category, ordinal or boolean.</summary>
    public IReadOnlyList<string> Levels { get; init; } = [];

    /// <summary>Records by bin or level; null: fewer than the threshold, or told by the others.</summary>
    public IReadOnlyList<int?> Counts { get; init; } = [];

    /// <summary>The bin of a number.</summary>
    public static int BinOf(IReadOnlyList<double> cuts, double value)
    {
        ArgumentNullException.ThrowIfNull(cuts);
        var (low, high) = (0, cuts.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (value > cuts[middle]) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>Counts numbers in bins that hold about equally many of them, each at least the threshold.</summary>
    /// <param name="column">Name of the column.</param>
    /// <param name="values">The values; NaN: missing.</param>
    /// <param name="threshold">Smallest count that is told, at least 1.</param>
    public static ReferenceColumn OfNumbers(string column, IEnumerable<double> values, int threshold)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threshold);
        var all = values.ToList();
        var known = all.Where(v => !double.IsNaN(v)).Order().ToArray();
        var cuts = new List<double>();
        var least = Math.Max(threshold, (known.Length + ReferenceStatistics.Bins - 1) / ReferenceStatistics.Bins);
        // Midway between two values that occur, so that no end is a record's own value; equal values stay together.
        for (var from = 0; from + least < known.Length;)
        {
            var end = from + least;
            while (end < known.Length && known[end] == known[end - 1]) end++;
            if (known.Length - end < least) break;
            cuts.Add(known[end - 1] + ((known[end] - known[end - 1]) / 2));
            from = end;
        }
        var counts = new int[cuts.Count + 1];
        foreach (var value in known) counts[BinOf(cuts, value)]++;
        return new ReferenceColumn
        {
            Column = column,
            Kind = FeatureKind.Number,
            Rows = all.Count,
            Missing = Disclosure.Shown(all.Count - known.Length, threshold),
            Cuts = cuts,
            Counts = known.Length < threshold ? [null] : [.. counts.Select(c => (int?)c)],
        };
    }

    /// <summary>Counts values of a category, ordinal or boolean.</summary>
    /// <param name="column">Name of the column.</param>
    /// <param name="kind">What it holds.</param>
    /// <param name="levels">The values.</param>
    /// <param name="counts">Records by value.</param>
    /// <param name="missing">Records without one.</param>
    /// <param name="threshold">Smallest count that is told.</param>
    public static ReferenceColumn OfLevels(string column, FeatureKind kind, IReadOnlyList<string> levels, IReadOnlyList<int> counts, int missing, int threshold)
    {
        ArgumentNullException.ThrowIfNull(levels);
        ArgumentNullException.ThrowIfNull(counts);
        // Missing is one of the counts that add up to the rows: told last, it would tell what was held back.
        var shown = Disclosure.Levels([.. levels, ""], [.. counts, missing], threshold);
        return new ReferenceColumn
        {
            Column = column,
            Kind = kind,
            Rows = counts.Sum() + missing,
            Missing = shown[^1].Rows,
            Levels = levels,
            Counts = [.. shown.Take(levels.Count).Select(s => s.Rows)],
        };
    }

    /// <summary>Counts one column over rows of several sites; null: dates and texts are not compared.</summary>
    internal static ReferenceColumn? Of(FeatureSection feature, IReadOnlyList<(RecordTable Table, int[] Rows)> parts, int threshold)
    {
        if (parts.Any(p => !p.Table.Has(feature.Column))) return null;
        var columns = parts.Select(p => (Column: p.Table[feature.Column], p.Rows)).ToList();
        if (columns[0].Column is NumberColumn)
            return OfNumbers(feature.Column, columns.SelectMany(c => c.Rows.Select(r => (double)((NumberColumn)c.Column).Values[r])), threshold);
        if (columns[0].Column is not LevelColumn) return null;
        string[] levels = [.. columns.SelectMany(c => ((LevelColumn)c.Column).Levels).Distinct()];
        var (counts, missing) = (new int[levels.Length], 0);
        foreach (var (column, rows) in columns)
        {
            var own = (LevelColumn)column;
            var at = own.Levels.Select(l => Array.IndexOf(levels, l)).ToArray();
            foreach (var row in rows)
            {
                if (own.Codes[row] < 0) missing++;
                else counts[at[own.Codes[row]]]++;
            }
        }
        return OfLevels(feature.Column, feature.Kind, levels, counts, missing, threshold);
    }
}
