using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Tables;
using Comity.Data.Texts;

namespace Comity.Data.Shared;

/// <summary>Counts one step of the shared statistics over a site's training rows.</summary>
internal static class StatisticsCollector
{
    // Stands for "no value at all": infinity would not survive every file format.
    private const double NoMin = double.MaxValue;
    private const double NoMax = -double.MaxValue;

    public static SharedStatistics Collect(
        string step, RecordTable table, ReadOnlySpan<int> rows, ContractSection contract, PreprocessSection preprocess, SharedStatistics agreed)
    {
        var plan = StatisticsPlan.Of(contract, preprocess);
        // Of windows, each step counts once for its features, however many windows hold it; labels count by record.
        var steps = table.Windows?.Steps ?? table;
        var covered = table.Windows is { } windows ? windows.Covered(rows) : rows;
        return new SharedStatistics(step switch
        {
            StatisticsPlan.Vocabulary => Vocabulary(steps, covered, contract, plan),
            StatisticsPlan.Moments => [.. Moments(steps, covered, contract, plan, agreed), LabelPart(table, rows, contract, agreed)],
            StatisticsPlan.Quantiles => Quantiles(steps, covered, contract, plan, agreed),
            StatisticsPlan.Association => AssociationCounts.Collect(table, rows, contract, agreed),
            _ => throw new ArgumentException($"There is no statistics step '{step}'; this version knows vocabulary, moments, quantiles and association.", nameof(step)),
        });
    }

    private static List<SharedPart> Vocabulary(RecordTable table, ReadOnlySpan<int> rows, ContractSection contract, StatisticsPlan plan)
    {
        var parts = new List<SharedPart>();
        foreach (var feature in contract.Features)
        {
            if (StatisticsPlan.NeedsVocabulary(feature))
            {
                var column = (LevelColumn)table[feature.Column];
                var met = new bool[column.Levels.Count];
                foreach (var row in rows)
                    if (column.Codes[row] >= 0) met[column.Codes[row]] = true;
                parts.Add(new SharedPart(feature.Column + "/levels", SharedMerge.Union, [], [.. column.Levels.Where((_, i) => met[i]).OrderBy(l => l, StringComparer.Ordinal)]));
            }
        }
        foreach (var feature in contract.Features.Where(StatisticsPlan.NeedsCharacters))
            parts.Add(new SharedPart(feature.Column + "/characters", SharedMerge.Union, [], CharacterVocabulary.Met((TextColumn)table[feature.Column], rows, feature.MinimumCount)));
        if (plan.SharesSums) parts.AddRange(Sums(table, rows, contract, plan));
        return parts;
    }

    /// <summary>Present and Σx of each number without a range: their quotient shifts the moments.</summary>
    public static List<SharedPart> Sums(RecordTable table, ReadOnlySpan<int> rows, ContractSection contract, StatisticsPlan plan)
    {
        var parts = new List<SharedPart>();
        if (table.Windows is { } windows)
        {
            rows = windows.Covered(rows);
            table = windows.Steps;
        }
        foreach (var feature in contract.Features.Where(StatisticsPlan.NeedsSum))
            parts.Add(new SharedPart(feature.Column + "/sum", SharedMerge.Sum, NumberMoments(((NumberColumn)table[feature.Column]).Values, rows, 0) is [var present, _, var sum, _] ? [present, sum] : [], []));
        // A label may be a feature as well, at an earlier step; then it has a sum already.
        if (plan.LabelNeedsSum && contract.Features.All(f => f.Column != contract.Label.Column))
            parts.Add(new SharedPart(contract.Label.Column + "/sum", SharedMerge.Sum, NumberMoments(table.LabelValues, rows, 0) is [var present, _, var sum, _] ? [present, sum] : [], []));
        return parts;
    }

    private static List<SharedPart> Moments(RecordTable table, ReadOnlySpan<int> rows, ContractSection contract, StatisticsPlan plan, SharedStatistics agreed)
    {
        var parts = new List<SharedPart>();
        foreach (var feature in contract.Features)
        {
            var name = feature.Column;
            switch (table[name])
            {
                case NumberColumn numbers:
                    var shift = StatisticsPlan.Shift(name, feature.Range, agreed);
                    parts.Add(new SharedPart(name + "/moments", SharedMerge.Sum, NumberMoments(numbers.Values, rows, shift), []) { Bound = SharedBound.Moments(feature.Range) });
                    if (plan.NeedsExtremes(feature)) AddExtremes(parts, name, numbers.Values, rows);
                    if (plan.ByCorrelation) parts.Add(AssociationCounts.WithLabel(table, numbers.Values, rows, contract, agreed, name, shift, feature.Range));
                    break;
                case LevelColumn levels:
                    var codes = AssociationCounts.AgreedCodes(levels, StatisticsPlan.Levels(feature, agreed), out var count);
                    parts.Add(new SharedPart(name + "/counts", SharedMerge.Sum, LevelCounts(levels.Codes, codes, rows, count), []) { Bound = SharedBound.OneBucket(count + 1), Whole = true });
                    if (plan.ByCorrelation) parts.Add(AssociationCounts.OfLevels(table, levels, codes, count, rows, contract, agreed, name));
                    break;
                case GridColumn grid:
                    parts.Add(new SharedPart(name + "/moments", SharedMerge.Sum, GridMoments(grid, rows), [])
                    {
                        // Pixels lie between 0 and 1; a spectrum's logarithms have no such bound.
                        Bound = feature.Kind == FeatureKind.Image ? SharedBound.Image(grid.Blocks, grid.BlockLength) : null,
                    });
                    break;
                case DateColumn dates:
                    var missing = 0;
                    foreach (var row in rows) missing += dates.IsMissing(row) ? 1 : 0;
                    parts.Add(new SharedPart(name + "/present", SharedMerge.Sum, [rows.Length - missing, missing], []) { Bound = SharedBound.OneBucket(2), Whole = true });
                    break;
            }
        }
        return parts;
    }

    private static List<SharedPart> Quantiles(RecordTable table, ReadOnlySpan<int> rows, ContractSection contract, StatisticsPlan plan, SharedStatistics agreed)
    {
        var parts = new List<SharedPart>();
        foreach (var feature in contract.Features.Where(plan.NeedsSketch))
        {
            var sketch = StatisticsPlan.Sketch(feature.Column, feature.Column, feature.Range, agreed);
            parts.Add(new SharedPart(feature.Column + "/sketch", SharedMerge.Sum, Sketch(((NumberColumn)table[feature.Column]).Values, rows, sketch), []) { Bound = SharedBound.OneBucket(sketch.Buckets), Whole = true });
        }
        if (plan.LabelNeedsSketch)
        {
            var sketch = StatisticsPlan.Sketch(contract.Label.Column, "label", contract.Label.Range, agreed);
            parts.Add(new SharedPart("label/sketch", SharedMerge.Sum, Sketch(table.LabelValues, rows, sketch), []) { Bound = SharedBound.OneBucket(sketch.Buckets), Whole = true });
        }
        return parts;
    }

    /// <summary>Present, missing, Σ(x − s) and Σ(x − s)²: shifted, so that the squares don't cancel.</summary>
    private static double[] NumberMoments(ReadOnlySpan<float> values, ReadOnlySpan<int> rows, double shift)
    {
        double present = 0, sum = 0, squares = 0;
        foreach (var row in rows)
        {
            if (float.IsNaN(values[row])) continue;
            var x = values[row] - shift;
            present++;
            sum += x;
            squares += x * x;
        }
        return [present, rows.Length - present, sum, squares];
    }

    /// <summary>For each block of a grid: values present, Σx and Σx². Values are of the order of 1, or logarithms of such, so the squares don't cancel.</summary>
    private static double[] GridMoments(GridColumn grid, ReadOnlySpan<int> rows)
    {
        var (moments, values) = (new double[3 * grid.Blocks], new float[grid.Length]);
        foreach (var row in rows)
        {
            if (grid.IsMissing(row)) continue;
            grid.Read(row, values);
            for (var block = 0; block < grid.Blocks; block++)
            {
                double sum = 0, squares = 0;
                foreach (var x in values.AsSpan(block * grid.BlockLength, grid.BlockLength))
                {
                    sum += x;
                    squares += (double)x * x;
                }
                moments[3 * block] += grid.BlockLength;
                moments[3 * block + 1] += sum;
                moments[3 * block + 2] += squares;
            }
        }
        return moments;
    }

    private static double[] LevelCounts(ReadOnlySpan<int> codes, int[] agreedCode, ReadOnlySpan<int> rows, int levels)
    {
        var counts = new double[levels + 1]; // the last one: missing
        foreach (var row in rows) counts[codes[row] < 0 || agreedCode[codes[row]] < 0 ? levels : agreedCode[codes[row]]]++;
        return counts;
    }

    private static double[] Sketch(ReadOnlySpan<float> values, ReadOnlySpan<int> rows, QuantileSketch sketch)
    {
        var counts = new double[sketch.Buckets];
        foreach (var row in rows)
            if (!float.IsNaN(values[row])) counts[sketch.BucketOf(values[row])]++;
        return counts;
    }

    private static SharedPart LabelPart(RecordTable table, ReadOnlySpan<int> rows, ContractSection contract, SharedStatistics agreed)
    {
        if (contract.Label.IsText || contract.Label.IsTags)
        {
            var characters = 0.0;
            foreach (var row in rows) characters += table.LabelValues[row];
            return new SharedPart("label/characters", SharedMerge.Sum, [rows.Length, characters], []);
        }
        if (contract.Label.Kind == LabelKind.Number)
        {
            var shift = StatisticsPlan.Shift(contract.Label.Column, contract.Label.Range, agreed);
            return new SharedPart("label/moments", SharedMerge.Sum, NumberMoments(table.LabelValues, rows, shift), []) { Bound = SharedBound.Moments(contract.Label.Range) };
        }
        var counts = new double[contract.Label.ClassNames.Count];
        foreach (var row in rows) counts[(int)table.LabelValues[row]]++;
        return new SharedPart("label/counts", SharedMerge.Sum, counts, []) { Bound = SharedBound.OneBucket(counts.Length), Whole = true };
    }

    private static void AddExtremes(List<SharedPart> parts, string column, ReadOnlySpan<float> values, ReadOnlySpan<int> rows)
    {
        var (min, max) = (NoMin, NoMax);
        foreach (var row in rows)
            if (!float.IsNaN(values[row])) (min, max) = (Math.Min(min, values[row]), Math.Max(max, values[row]));
        parts.Add(new SharedPart(column + "/min", SharedMerge.Min, [min], []));
        parts.Add(new SharedPart(column + "/max", SharedMerge.Max, [max], []));
    }
}
