using System.Buffers;
using Comity.Tensors.Distributions;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Evaluation;

/// <summary>Tests differences of any metric by resampling rows, both models judged on the same resample.</summary>
/// <remarks>
/// The standard error is the spread of the resampled differences (Efron and Tibshirani 1993, chapter 6); interval and p follow from
/// Student's t with n − 1 degrees. Differences of two models on the same rows are nearly symmetric, so this holds its level at
/// small n where percentiles are too short, and p is not bounded below by the number of resamples.
/// </remarks>
internal static class PairedBootstrap
{
    public const string Name = "bootstrap";

    public static MetricDifference[] Test(WeightedMetrics baseline, WeightedMetrics candidate, int resamples, double confidence, Seed seed)
    {
        var metrics = baseline.Names.Count;
        var differences = candidate.Measure();
        var scratch = baseline.Measure();
        for (var m = 0; m < metrics; m++) differences[m] -= scratch[m];
        if (resamples == 0 || baseline.Rows < 2)
            return [.. differences.Select((d, m) => MetricDifference.Undefined(baseline.Names[m], Name) with { Difference = d })];

        resamples = Bootstrap.Bounded(resamples, 2L * baseline.Rows * baseline.Passes);
        var resampler = new Resampler(baseline.Rows, seed.For("paired-bootstrap").ToRandom());
        var pooled = ArrayPool<double>.Shared.Rent(metrics * resamples);
        var drawn = pooled.AsSpan(0, metrics * resamples);
        var other = new double[metrics];
        for (var r = 0; r < resamples; r++)
        {
            var weights = resampler.Next();
            baseline.Measure(weights, scratch);
            candidate.Measure(weights, other);
            for (var m = 0; m < metrics; m++) drawn[m * resamples + r] = other[m] - scratch[m];
        }

        var freedom = baseline.Rows - 1;
        var quantile = StudentT.Quantile(0.5 + confidence / 2, freedom);
        var result = new MetricDifference[metrics];
        for (var m = 0; m < metrics; m++)
        {
            var column = drawn.Slice(m * resamples, resamples);
            var known = Bootstrap.Compact(column);
            var difference = differences[m];
            if (double.IsNaN(difference) || known < resamples / 2)
            {
                result[m] = MetricDifference.Undefined(baseline.Names[m], Name) with { Difference = difference };
                continue;
            }
            var error = Moments.StandardDeviation(column[..known]);
            var p = error > 0 ? StudentT.TwoSided(difference / error, freedom) : difference == 0 ? 1 : 0;
            result[m] = MetricDifference.Of(baseline.Names[m], Name, difference, difference, error, quantile, p);
        }
        ArrayPool<double>.Shared.Return(pooled);
        return result;
    }
}
