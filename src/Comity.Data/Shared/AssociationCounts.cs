using Comity.Data.Contracts;
using Comity.Data.Tables;

namespace Comity.Data.Shared;

/// <summary>What is counted of a column together with the label; only where columns are selected by it.</summary>
internal static class AssociationCounts
{
    /// <summary>Bins of a number: tenths of the rows over all sites.</summary>
    public const int Bins = 10;

    /// <summary>
    /// Classes: present and Σ(x − s) for each class. A numeric label: present, Σx', Σx'², Σy', Σy'², Σx'y', both shifted.
    /// </summary>
    public static SharedPart WithLabel(
        RecordTable table, ReadOnlySpan<float> values, ReadOnlySpan<int> rows, ContractSection contract, SharedStatistics agreed, string name, double shift, ValueRange? range)
    {
        var labels = table.LabelValues;
        double[] sums;
        if (contract.Label.Kind == LabelKind.Number)
        {
            var labelShift = StatisticsPlan.Shift(contract.Label.Column, contract.Label.Range, agreed);
            sums = new double[6];
            foreach (var row in rows)
            {
                if (float.IsNaN(values[row])) continue;
                var (x, y) = (values[row] - shift, labels[row] - labelShift);
                sums[0]++;
                sums[1] += x;
                sums[2] += x * x;
                sums[3] += y;
                sums[4] += y * y;
                sums[5] += x * y;
            }
        }
        else
        {
            sums = new double[2 * contract.Label.ClassNames.Count];
            foreach (var row in rows)
            {
                if (float.IsNaN(values[row])) continue;
                sums[2 * (int)labels[row]]++;
                sums[2 * (int)labels[row] + 1] += values[row] - shift;
            }
        }
        return new SharedPart(name + "/label", SharedMerge.Sum, sums, [])
        {
            // Products with a numeric label have no bound here, so they can't be released under privacy.
            Bound = contract.Label.Kind == LabelKind.Number ? null : SharedBound.ByClass(range, contract.Label.ClassNames.Count),
        };
    }

    /// <summary>Classes: rows by level and class. A numeric label: present, Σy', Σy'² for each level.</summary>
    public static SharedPart OfLevels(
        RecordTable table, LevelColumn column, int[] agreedCode, int levels, ReadOnlySpan<int> rows, ContractSection contract, SharedStatistics agreed, string name)
    {
        var number = contract.Label.Kind == LabelKind.Number;
        var width = number ? 3 : contract.Label.ClassNames.Count;
        var shift = number ? StatisticsPlan.Shift(contract.Label.Column, contract.Label.Range, agreed) : 0;
        var sums = new double[levels * width];
        foreach (var row in rows)
        {
            if (column.Codes[row] < 0 || agreedCode[column.Codes[row]] is not (>= 0 and var level)) continue;
            if (!number)
            {
                sums[level * width + (int)table.LabelValues[row]]++;
                continue;
            }
            var y = table.LabelValues[row] - shift;
            sums[level * width]++;
            sums[level * width + 1] += y;
            sums[level * width + 2] += y * y;
        }
        return new SharedPart(name + "/label", SharedMerge.Sum, sums, []) { Bound = number ? null : SharedBound.OneBucket(sums.Length) };
    }

    /// <summary>Rows by bin (missing is one more) and class, for mutual information; numbers and numeric labels are cut at agreed tenths.</summary>
    public static IReadOnlyList<SharedPart> Collect(RecordTable table, ReadOnlySpan<int> rows, ContractSection contract, SharedStatistics agreed)
    {
        var labelCuts = contract.Label.Kind == LabelKind.Number ? Cuts(contract.Label.Column, "label", contract.Label.Range, agreed) : null;
        var classes = labelCuts?.Length + 1 ?? contract.Label.ClassNames.Count;
        var parts = new List<SharedPart>();
        foreach (var feature in contract.Features)
        {
            var column = table[feature.Column];
            if (column is not (NumberColumn or LevelColumn)) continue;
            double[]? cuts = null;
            int[] agreedCode = [];
            var bins = 0;
            if (column is LevelColumn levels) agreedCode = AgreedCodes(levels, StatisticsPlan.Levels(feature, agreed), out bins);
            else bins = (cuts = Cuts(feature.Column, feature.Column, feature.Range, agreed)).Length + 1;
            var counts = new double[(bins + 1) * classes];
            foreach (var row in rows)
            {
                var bin = column.IsMissing(row) ? bins : cuts is not null ? BinOf(((NumberColumn)column).Values[row], cuts) : agreedCode[((LevelColumn)column).Codes[row]];
                var label = labelCuts is null ? (int)table.LabelValues[row] : BinOf(table.LabelValues[row], labelCuts);
                counts[(bin < 0 ? bins : bin) * classes + label]++;
            }
            parts.Add(new SharedPart(feature.Column + "/association", SharedMerge.Sum, counts, []) { Bound = SharedBound.OneBucket(counts.Length), Whole = true });
        }
        return parts;
    }

    /// <summary>Where each code of a site's column stands among the agreed levels; −1: not agreed.</summary>
    public static int[] AgreedCodes(LevelColumn column, IReadOnlyList<string> levels, out int count)
    {
        count = levels.Count;
        var position = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < levels.Count; i++) position[levels[i]] = i;
        var codes = new int[column.Levels.Count];
        for (var i = 0; i < codes.Length; i++) codes[i] = position.TryGetValue(column.Levels[i], out var at) ? at : -1;
        return codes;
    }

    /// <summary>Tenths of a number over all sites.</summary>
    /// <param name="column">The column, for its shift.</param>
    /// <param name="part">Name of its parts: the column's, or <c>label</c>.</param>
    /// <param name="range">The contract's bounds.</param>
    /// <param name="agreed">Statistics with moments and quantiles.</param>
    internal static double[] Cuts(string column, string part, ValueRange? range, SharedStatistics agreed)
    {
        var sketch = StatisticsPlan.Sketch(column, part, range, agreed);
        var counts = Preprocess.ColumnFitter.Part(agreed, part + "/sketch").Values;
        return [.. Enumerable.Range(1, Bins - 1).Select(i => sketch.Quantile(counts, i / (double)Bins)).Where(double.IsFinite).Distinct().OrderBy(c => c)];
    }

    private static int BinOf(float value, double[] cuts)
    {
        var bin = 0;
        while (bin < cuts.Length && value > cuts[bin]) bin++;
        return bin;
    }
}
