using Comity.Tensors.Distributions;

namespace Comity.Learning.Evaluation;

/// <summary>Tests a difference of ROC AUC on the same rows (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837).</summary>
/// <remarks>
/// The fast form of Sun and Xu (2014, IEEE Signal Processing Letters 21:1389): the structural components V10 (by positive row) and
/// V01 (by negative row) come from mid-ranks in O(n log n) instead of from all pairs.
/// </remarks>
internal static class DeLong
{
    public const string Name = "delong";

    public static MetricDifference Test(string metric, ReadOnlySpan<float> labels, ReadOnlySpan<float> baseline, ReadOnlySpan<float> candidate, double confidence)
    {
        var (base10, base01) = Components(labels, baseline);
        var (cand10, cand01) = Components(labels, candidate);
        if (base10.Length < 2 || base01.Length < 2) return MetricDifference.Undefined(metric, Name);
        var difference = Moments.Mean(cand10) - Moments.Mean(base10);
        for (var i = 0; i < cand10.Length; i++) cand10[i] -= base10[i];
        for (var j = 0; j < cand01.Length; j++) cand01[j] -= base01[j];
        var error = Math.Sqrt(Moments.Variance(cand10) / cand10.Length + Moments.Variance(cand01) / cand01.Length);
        // Rankings that agree row by row differ by rounding only.
        if (error < 1e-12) (error, difference) = (0, Math.Abs(difference) < 1e-12 ? 0 : difference);
        var p = error > 0 ? NormalDistribution.TwoSided(difference / error) : difference == 0 ? 1 : 0;
        return MetricDifference.Of(metric, Name, difference, difference, error, NormalDistribution.Quantile(0.5 + confidence / 2), p);
    }

    /// <summary>V10: for each positive row the share of negatives below it; V01: for each negative row the share of positives above it. Ties count half.</summary>
    internal static (double[] V10, double[] V01) Components(ReadOnlySpan<float> labels, ReadOnlySpan<float> scores)
    {
        var (row, end) = RankedRows.Falling(scores);
        var positives = 0;
        foreach (var label in labels) positives += label > 0 ? 1 : 0;
        var negatives = labels.Length - positives;
        double[] v10 = new double[positives], v01 = new double[negatives];
        int above = 0, aboveNegative = 0, start = 0; // rows in runs of higher score
        int nextPositive = 0, nextNegative = 0;
        var place = new int[labels.Length]; // position of each row among those of its class, in the rows' own order
        for (var i = 0; i < labels.Length; i++) place[i] = labels[i] > 0 ? nextPositive++ : nextNegative++;
        foreach (var stop in end)
        {
            var tied = 0;
            for (var i = start; i < stop; i++) tied += labels[row[i]] > 0 ? 1 : 0;
            var tiedNegative = stop - start - tied;
            for (var i = start; i < stop; i++)
            {
                if (labels[row[i]] > 0) v10[place[row[i]]] = (negatives - aboveNegative - tiedNegative / 2.0) / negatives;
                else v01[place[row[i]]] = (above + tied / 2.0) / positives;
            }
            above += tied;
            aboveNegative += tiedNegative;
            start = stop;
        }
        return (v10, v01);
    }
}
