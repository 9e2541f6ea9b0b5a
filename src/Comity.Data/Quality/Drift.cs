using Comity.Data.Contracts;
using Comity.Data.Shared;
using Comity.Data.Tables;

namespace Comity.Data.Quality;

/// <summary>A column's drift at one site.</summary>
/// <param name="Index">Population stability index against the other sites together.</param>
/// <param name="ByMissing">The part of it that comes from values missing more or less often than elsewhere, from 0 to the whole.</param>
public readonly record struct ColumnDrift(double Index, double ByMissing);

/// <summary>How differently a column is distributed at one site and at the others together.</summary>
/// <remarks>
/// Population stability index Σ (p − q)·ln(p / q) over shared bins (Siddiqi 2006, Credit Risk Scorecards): tenths of all sites' values, or a category's values;
/// missing is one more bin, since a column that is measured at one site only is a difference that a model meets. Half a row is added to each
/// bin (Jeffreys' prior), so that an empty bin gives a large number and no infinity. The index is a symmetric Kullback–Leibler divergence, so by the
/// chain rule it is the divergence in whether a value is missing at all, plus that of the values where there are some: the first part is told apart.
/// Usual reading: below 0.1 alike, 0.1 to 0.25 shifted, above 0.25 different.
/// </remarks>
public static class Drift
{
    /// <summary>The index of each feature at each site, [site][feature]; null for text, for dates, and where there is one site only.</summary>
    public static IReadOnlyList<IReadOnlyList<ColumnDrift?>> BetweenSites(IReadOnlyList<RecordTable> tables, ContractSection contract)
    {
        ArgumentNullException.ThrowIfNull(tables);
        ArgumentNullException.ThrowIfNull(contract);
        var result = tables.Select(_ => new ColumnDrift?[contract.Features.Count]).ToArray();
        if (tables.Count < 2) return result;
        for (var f = 0; f < contract.Features.Count; f++)
        {
            var columns = tables.Select(t => t[contract.Features[f].Column]).ToArray();
            var counts = columns[0] switch
            {
                NumberColumn => Numbers([.. columns.Cast<NumberColumn>()]),
                LevelColumn => Levels([.. columns.Cast<LevelColumn>()]),
                _ => null,
            };
            if (counts is null) continue;
            var all = new double[counts[0].Length];
            foreach (var site in counts)
                for (var b = 0; b < all.Length; b++) all[b] += site[b];
            for (var s = 0; s < counts.Length; s++)
            {
                var own = counts[s];
                double[] others = [.. all.Select((n, b) => n - own[b])];
                result[s][f] = new ColumnDrift(Index(own, others), ByMissing(own, others));
            }
        }
        return result;
    }

    /// <summary>The index between two histograms on the same bins.</summary>
    public static double Index(IReadOnlyList<double> own, IReadOnlyList<double> others)
    {
        ArgumentNullException.ThrowIfNull(own);
        ArgumentNullException.ThrowIfNull(others);
        if (own.Count != others.Count) throw new ArgumentException("Both histograms must have the same bins.", nameof(others));
        var (ownAll, othersAll, index) = (own.Sum() + own.Count / 2.0, others.Sum() + own.Count / 2.0, 0.0);
        for (var b = 0; b < own.Count; b++)
        {
            var (p, q) = ((own[b] + 0.5) / ownAll, (others[b] + 0.5) / othersAll);
            index += (p - q) * Math.Log(p / q);
        }
        return index;
    }

    // Missing is the last bin; the others together are the second outcome.
    private static double ByMissing(double[] own, double[] others)
    {
        var half = own.Length / 2.0;
        var (p, q) = ((own[^1] + 0.5) / (own.Sum() + half), (others[^1] + 0.5) / (others.Sum() + half));
        return (p - q) * (Math.Log(p / q) - Math.Log((1 - p) / (1 - q)));
    }

    private static double[][] Numbers(NumberColumn[] columns)
    {
        // The same mergeable sketch as in the shared statistics, so a federation can compute this without a record crossing.
        var (rows, low, high, sum) = (0L, double.PositiveInfinity, double.NegativeInfinity, 0.0);
        foreach (var column in columns)
        {
            foreach (var x in column.Values)
            {
                if (float.IsNaN(x)) continue;
                (rows, low, high, sum) = (rows + 1, Math.Min(low, x), Math.Max(high, x), sum + x);
            }
        }
        var (mean, squares) = (rows == 0 ? 0 : sum / rows, 0.0);
        foreach (var column in columns)
            foreach (var x in column.Values)
                if (!float.IsNaN(x)) squares += (x - mean) * (x - mean);
        var sketch = rows == 0 ? new QuantileSketch(0, 0, 0, 0) : new QuantileSketch(low, high, mean, Math.Sqrt(squares / rows));
        var all = new double[sketch.Buckets];
        foreach (var column in columns)
            foreach (var x in column.Values)
                if (!float.IsNaN(x)) all[sketch.BucketOf(x)]++;
        var cuts = Enumerable.Range(1, 9).Select(i => sketch.Quantile(all, i / 10.0)).Where(double.IsFinite).Distinct().OrderBy(c => c).ToArray();
        return [.. columns.Select(column =>
        {
            var counts = new double[cuts.Length + 2];
            foreach (var x in column.Values) counts[float.IsNaN(x) ? cuts.Length + 1 : BinOf(x, cuts)]++;
            return counts;
        })];
    }

    private static int BinOf(double x, double[] cuts)
    {
        var bin = 0;
        while (bin < cuts.Length && x > cuts[bin]) bin++;
        return bin;
    }

    private static double[][] Levels(LevelColumn[] columns)
    {
        string[] levels = [.. columns.SelectMany(c => c.Levels).Distinct().OrderBy(l => l, StringComparer.Ordinal)];
        return [.. columns.Select(column =>
        {
            var agreed = AssociationCounts.AgreedCodes(column, levels, out var count);
            var counts = new double[count + 1];
            foreach (var code in column.Codes) counts[code < 0 ? count : agreed[code]]++;
            return counts;
        })];
    }
}
