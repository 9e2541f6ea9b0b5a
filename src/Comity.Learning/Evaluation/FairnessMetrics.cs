namespace Comity.Learning.Evaluation;

/// <summary>Differences between groups in what a binary model decides (Hardt, Price and Srebro 2016, arXiv:1610.02413; names as in Fairlearn).</summary>
/// <remarks>A rate without rows behind it leaves its group out; fewer than two groups left: NaN. Rows without a group count nowhere.</remarks>
internal sealed class FairnessMetrics : WeightedMetrics
{
    private readonly int[] _cell; // group · 4 + truth · 2 + call, by row; −1 without a group
    private readonly long[] _counts;
    private readonly double[] _selection, _hits, _alarms; // rates by group

    public FairnessMetrics(ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs, int groups, ReadOnlySpan<int> groupOf, double threshold)
        : base(labels.Length, FairnessNames.Between)
    {
        _cell = new int[labels.Length];
        for (var i = 0; i < _cell.Length; i++)
            _cell[i] = groupOf[i] < 0 ? -1 : groupOf[i] * 4 + (int)labels[i] * 2 + (outputs[2 * i + 1] >= threshold ? 1 : 0);
        _counts = new long[groups * 4];
        (_selection, _hits, _alarms) = (new double[groups], new double[groups], new double[groups]);
    }

    public override void Measure(ReadOnlySpan<int> weights, Span<double> metrics)
    {
        Array.Clear(_counts);
        for (var i = 0; i < weights.Length; i++)
        {
            if (_cell[i] >= 0) _counts[_cell[i]] += weights[i];
        }
        long called = 0, rows = 0;
        for (var g = 0; g < _selection.Length; g++)
        {
            var (quiet, alarms, misses, hits) = (_counts[4 * g], _counts[4 * g + 1], _counts[4 * g + 2], _counts[4 * g + 3]);
            called += alarms + hits;
            rows += quiet + alarms + misses + hits;
            _selection[g] = (alarms + hits) / (double)(quiet + alarms + misses + hits);
            _hits[g] = hits / (double)(misses + hits);
            _alarms[g] = alarms / (double)(quiet + alarms);
        }
        var overall = called / (double)rows;
        var (lowest, highest) = Extremes(_selection);
        var (leastHits, mostHits) = Extremes(_hits);
        var (leastAlarms, mostAlarms) = Extremes(_alarms);
        metrics[0] = highest - lowest;
        metrics[1] = lowest / highest;
        metrics[2] = Math.Max(highest - overall, overall - lowest);
        metrics[3] = Math.Max(mostHits - leastHits, mostAlarms - leastAlarms);
        metrics[4] = (mostHits - leastHits + mostAlarms - leastAlarms) / 2;
        metrics[5] = Smaller(leastHits / mostHits, leastAlarms / mostAlarms);
        metrics[6] = mostHits - leastHits;
    }

    /// <summary>By measure, the fewest rows of a rate that enters it; 0: no rate does.</summary>
    public IReadOnlyDictionary<string, int> Supports()
    {
        var (positive, negative) = (new int[_selection.Length], new int[_selection.Length]);
        foreach (var cell in _cell)
        {
            if (cell >= 0) (cell % 4 >= 2 ? positive : negative)[cell / 4]++;
        }
        var (rows, hits, alarms) = (Fewest([.. positive.Zip(negative, (p, n) => p + n)]), Fewest(positive), Fewest(negative));
        var odds = Math.Min(hits, alarms);
        int[] supports = [rows, rows, rows, odds, odds, odds, hits];
        return Names.Zip(supports).ToDictionary(s => s.First, s => s.Second, StringComparer.Ordinal);
    }

    // A group without such rows has no such rate and enters no measure.
    private static int Fewest(int[] rows) => rows.Where(n => n > 0).DefaultIfEmpty(0).Min();

    private static double Smaller(double a, double b) => double.IsNaN(a) ? b : double.IsNaN(b) ? a : Math.Min(a, b);

    private static (double Low, double High) Extremes(double[] rates)
    {
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        var known = 0;
        foreach (var rate in rates)
        {
            if (double.IsNaN(rate)) continue;
            known++;
            low = Math.Min(low, rate);
            high = Math.Max(high, rate);
        }
        return known < 2 ? (double.NaN, double.NaN) : (low, high);
    }
}
