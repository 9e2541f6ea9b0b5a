using System.Buffers;
using Comity.Tensors.Distributions;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Evaluation;

/// <summary>Bootstrap intervals of all metrics at once.</summary>
/// <remarks>
/// BCa intervals (Efron 1987; DiCiccio and Efron 1996), since plain percentiles mislead for skewed losses; the acceleration comes
/// from a jackknife over at most 200 groups of rows. ECE, MCE and the majority's share are sums of absolute values or maxima,
/// which sampling inflates and resampling inflates again, beyond what BCa can mend: they get the basic interval, which
/// reflects that. Nothing is stratified, since the class balance of a site's test rows is itself a matter of chance. A resample
/// in which a metric is undefined (one class) is left out for that metric. The work is bounded: beyond 5 million row
/// visits fewer resamples are drawn (at least 100), and below 400 the interval is value ± z · (bootstrap standard error),
/// cut to the metric's range, since tails can't be read from so few.
/// </remarks>
internal static class Bootstrap
{
    private const long RowVisits = 5_000_000;
    private const int FewestResamples = 100;
    private const int FewestForTails = 400;
    private const int JackknifeGroups = 200;

    /// <summary>The intervals, in the order of the metrics, and how many resamples had an undefined metric.</summary>
    public static (MetricEstimate[] Estimates, int Undefined) Run(WeightedMetrics judge, double[] values, int resamples, double confidence, Seed seed)
    {
        var metrics = values.Length;
        var estimates = Array.ConvertAll(values, v => new MetricEstimate(v, double.NaN, double.NaN));
        if (resamples == 0 || judge.Rows < 2) return (estimates, 0);
        resamples = Bounded(resamples, (long)judge.Rows * judge.Passes);

        var resampler = new Resampler(judge.Rows, seed.For("bootstrap").ToRandom());
        var pooled = ArrayPool<double>.Shared.Rent(metrics * resamples); // 150 KB as a rule: on its own it would land in the large object heap
        var drawn = pooled.AsSpan(0, metrics * resamples);
        var scratch = new double[metrics];
        var undefined = 0;
        for (var r = 0; r < resamples; r++)
        {
            judge.Measure(resampler.Next(), scratch);
            var missing = false;
            for (var m = 0; m < metrics; m++)
            {
                drawn[m * resamples + r] = scratch[m];
                missing |= double.IsNaN(scratch[m]) && !double.IsNaN(values[m]);
            }
            if (missing) undefined++;
        }

        var acceleration = resamples < FewestForTails ? null : Acceleration(judge);
        for (var m = 0; m < metrics; m++)
        {
            if (double.IsNaN(values[m])) continue;
            var column = drawn.Slice(m * resamples, resamples);
            var known = Compact(column);
            if (known < resamples / 2) continue; // too rarely defined to say anything
            column = column[..known];
            var (low, high) = acceleration is null
                ? Normal(values[m], column, confidence, MetricNames.RangeOf(judge.Names[m]))
                : MetricNames.IsInflated(judge.Names[m])
                    ? Reflected(values[m], column, confidence, MetricNames.RangeOf(judge.Names[m]))
                    : BiasCorrected(values[m], column, confidence, acceleration[m]);
            estimates[m] = new MetricEstimate(values[m], Math.Min(low, values[m]), Math.Max(high, values[m]));
        }
        ArrayPool<double>.Shared.Return(pooled);
        return (estimates, undefined);
    }

    /// <summary>How many resamples are really drawn.</summary>
    public static int Bounded(int resamples, long visitsEach) =>
        (int)Math.Min(resamples, Math.Max(FewestResamples, RowVisits / Math.Max(1, visitsEach)));

    private static (double Low, double High) BiasCorrected(double value, Span<double> drawn, double confidence, double acceleration)
    {
        double below = 0;
        foreach (var x in drawn) below += x < value ? 1 : x == value ? 0.5 : 0; // metrics of few rows tie often
        drawn.Sort();
        var bias = NormalDistribution.Quantile(Math.Clamp(below / drawn.Length, 0.5 / drawn.Length, 1 - 0.5 / drawn.Length));
        return (At(drawn, Level((1 - confidence) / 2)), At(drawn, Level((1 + confidence) / 2)));

        double Level(double nominal)
        {
            var z = bias + NormalDistribution.Quantile(nominal);
            return NormalDistribution.Cumulative(bias + z / (1 - acceleration * z));
        }
    }

    /// <summary>The basic interval: what resampling does to the estimate, the sample did to the truth (Davison and Hinkley 1997, section 5.2).</summary>
    private static (double Low, double High) Reflected(double value, Span<double> drawn, double confidence, (double Low, double High) range)
    {
        drawn.Sort();
        var (low, high) = (2 * value - At(drawn, (1 + confidence) / 2), 2 * value - At(drawn, (1 - confidence) / 2));
        return (Math.Clamp(low, range.Low, range.High), Math.Clamp(high, range.Low, range.High));
    }

    private static (double Low, double High) Normal(double value, ReadOnlySpan<double> drawn, double confidence, (double Low, double High) range)
    {
        var margin = NormalDistribution.Quantile(0.5 + confidence / 2) * Moments.StandardDeviation(drawn);
        return (Math.Max(range.Low, value - margin), Math.Min(range.High, value + margin));
    }

    /// <summary>a = Σ d³ / (6 (Σ d²)^1.5) over the leave-one-group-out differences d, by metric; 0 where there is no spread.</summary>
    private static double[] Acceleration(WeightedMetrics judge)
    {
        var groups = Math.Min(judge.Rows, JackknifeGroups);
        var metrics = judge.Names.Count;
        var left = new double[metrics * groups];
        var weights = new int[judge.Rows];
        var scratch = new double[metrics];
        Array.Fill(weights, 1);
        for (var g = 0; g < groups; g++)
        {
            for (var i = g; i < weights.Length; i += groups) weights[i] = 0;
            judge.Measure(weights, scratch);
            for (var i = g; i < weights.Length; i += groups) weights[i] = 1;
            for (var m = 0; m < metrics; m++) left[m * groups + g] = scratch[m];
        }
        var result = new double[metrics];
        for (var m = 0; m < metrics; m++)
        {
            var column = left.AsSpan(m * groups, groups);
            column = column[..Compact(column)];
            var mean = Moments.Mean(column);
            double squares = 0, cubes = 0;
            foreach (var x in column)
            {
                var d = mean - x;
                squares += d * d;
                cubes += d * d * d;
            }
            result[m] = squares > 0 ? cubes / (6 * squares * Math.Sqrt(squares)) : 0;
        }
        return result;
    }

    /// <summary>Moves the numbers to the front, keeping their order; returns how many there are.</summary>
    internal static int Compact(Span<double> values)
    {
        var kept = 0;
        foreach (var x in values)
        {
            if (!double.IsNaN(x)) values[kept++] = x;
        }
        return kept;
    }

    /// <summary>The quantile of sorted values by linear interpolation (Hyndman and Fan's type 7).</summary>
    private static double At(ReadOnlySpan<double> sorted, double level)
    {
        var position = Math.Clamp(level, 0, 1) * (sorted.Length - 1);
        var below = (int)position;
        return below + 1 < sorted.Length
            ? sorted[below] + (position - below) * (sorted[below + 1] - sorted[below])
            : sorted[^1];
    }
}
