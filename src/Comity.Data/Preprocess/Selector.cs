using Comity.Data.Contracts;
using Comity.Data.Shared;

namespace Comity.Data.Preprocess;

/// <summary>Scores columns by the shared statistics and keeps those that tell most. Dates, images and sounds have no score and are always kept.</summary>
internal static class Selector
{
    public static IReadOnlyList<FittedColumn> Select(IReadOnlyList<FittedColumn> columns, ContractSection contract, SelectionSection selection, SharedStatistics agreed)
    {
        var scored = columns.Select(c => c.Kind is FeatureKind.Date or FeatureKind.Image or FeatureKind.Audio ? c : c with { Score = Score(c, contract, selection.By, agreed) }).ToArray();
        var kept = scored
            .Select((column, index) => (column, index))
            .Where(c => c.column.Score is { } score && score >= (selection.Minimum ?? 0))
            .OrderByDescending(c => c.column.Score)
            .ThenBy(c => c.index)
            .Take(selection.Keep ?? int.MaxValue)
            .Select(c => c.index)
            .ToHashSet();
        return [.. scored.Select((column, index) => column with { Selected = column.Score is null || kept.Contains(index) })];
    }

    private static double Score(FittedColumn column, ContractSection contract, SelectionKind by, SharedStatistics agreed)
    {
        var feature = contract.Features.First(f => f.Column == column.Column);
        return by switch
        {
            SelectionKind.Variance => Variance(feature, column, agreed),
            SelectionKind.MutualInformation => MutualInformation(
                ColumnFitter.Part(agreed, column.Column + "/association").Values, contract.Label.Kind == LabelKind.Number ? LabelBins(contract, agreed) : contract.Label.ClassNames.Count),
            _ => Correlation(feature, column, contract, agreed),
        };
    }

    private static int LabelBins(ContractSection contract, SharedStatistics agreed) =>
        AssociationCounts.Cuts(contract.Label.Column, "label", contract.Label.Range, agreed).Length + 1;

    private static double Variance(FeatureSection feature, FittedColumn column, SharedStatistics agreed)
    {
        if (column.Kind != FeatureKind.Number)
        {
            var counts = ColumnFitter.Part(agreed, column.Column + "/counts").Values.Take(column.Levels.Count).ToArray();
            var all = counts.Sum();
            return all == 0 ? 0 : 1 - counts.Sum(n => n / all * (n / all));
        }
        var (present, _, deviation) = ColumnFitter.Moments(ColumnFitter.Part(agreed, column.Column + "/moments").Values, StatisticsPlan.Shift(column.Column, feature.Range, agreed));
        var (low, high) = StatisticsPlan.Extremes(feature, agreed);
        var widest = (high - low) / 2;
        return present == 0 || widest == 0 ? 0 : deviation * deviation / (widest * widest);
    }

    /// <summary>I(X; Y) in nats from a table of counts, rows by bin of X.</summary>
    internal static double MutualInformation(IReadOnlyList<double> counts, int classes)
    {
        var bins = counts.Count / classes;
        var (all, byBin, byClass) = (counts.Sum(), new double[bins], new double[classes]);
        for (var i = 0; i < counts.Count; i++) (byBin[i / classes], byClass[i % classes]) = (byBin[i / classes] + counts[i], byClass[i % classes] + counts[i]);
        var information = 0.0;
        for (var i = 0; i < counts.Count; i++)
            if (counts[i] > 0) information += counts[i] / all * Math.Log(counts[i] * all / (byBin[i / classes] * byClass[i % classes]));
        return Math.Max(0, information);
    }

    /// <summary>
    /// Share of variance explained: r² for two numbers, the correlation ratio η² for a number and classes or levels,
    /// Goodman and Kruskal's τ (1954) for a category and classes. For a 0/1 label all of them are the squared correlation.
    /// </summary>
    private static double Correlation(FeatureSection feature, FittedColumn column, ContractSection contract, SharedStatistics agreed)
    {
        var v = ColumnFitter.Part(agreed, column.Column + "/label").Values;
        var classes = contract.Label.ClassNames.Count;
        if (column.Kind != FeatureKind.Number) return classes > 0 ? Tau(v, classes) : Eta(v);
        if (classes == 0)
        {
            var (n, x, y) = (v[0], v[2] - v[1] * v[1] / v[0], v[4] - v[3] * v[3] / v[0]);
            var xy = v[5] - v[1] * v[3] / n;
            return n == 0 || !(x * y > 0) ? 0 : xy * xy / (x * y);
        }
        var moments = ColumnFitter.Part(agreed, feature.Column + "/moments").Values;
        var (present, sum) = (moments[0], moments[2]);
        var between = Enumerable.Range(0, classes).Where(c => v[2 * c] > 0).Sum(c => v[2 * c + 1] * v[2 * c + 1] / v[2 * c]) - sum * sum / present;
        var total = moments[3] - sum * sum / present;
        return present == 0 || !(total > 0) ? 0 : Math.Clamp(between / total, 0, 1);
    }

    private static double Tau(IReadOnlyList<double> counts, int classes)
    {
        var all = counts.Sum();
        if (all == 0) return 0;
        var (within, byClass) = (0.0, new double[classes]);
        foreach (var level in counts.Chunk(classes))
        {
            var n = level.Sum();
            for (var c = 0; c < classes; c++)
            {
                byClass[c] += level[c];
                if (n > 0) within += level[c] * level[c] / n;
            }
        }
        var chance = byClass.Sum(n => n / all * (n / all));
        return chance >= 1 ? 0 : Math.Clamp((within / all - chance) / (1 - chance), 0, 1);
    }

    private static double Eta(IReadOnlyList<double> sums)
    {
        var levels = sums.Chunk(3).Where(level => level[0] > 0).ToArray();
        var (n, sum, squares) = (levels.Sum(l => l[0]), levels.Sum(l => l[1]), levels.Sum(l => l[2]));
        var total = squares - sum * sum / n;
        return n == 0 || !(total > 0) ? 0 : Math.Clamp((levels.Sum(l => l[1] * l[1] / l[0]) - sum * sum / n) / total, 0, 1);
    }
}
