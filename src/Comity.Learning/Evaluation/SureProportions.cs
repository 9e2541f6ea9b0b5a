using Comity.Tensors.Distributions;

namespace Comity.Learning.Evaluation;

/// <summary>Gives a proportion that came out as exactly 0 or 1 an honest interval.</summary>
/// <remarks>
/// Resampling rows that were all classified rightly gives 1 every time: an interval of no width from, say, twelve rows. Where the
/// metric is a plain proportion, Wilson's interval (1927) takes its place; for the others a warning says that the interval has no spread.
/// </remarks>
internal static class SureProportions
{
    public static void Widen(
        MetricEstimate[] estimates, IReadOnlyList<string> names, IReadOnlyList<IReadOnlyList<int>> confusion, EvaluationSection section, List<string> warnings)
    {
        var withoutSpread = false;
        for (var m = 0; m < estimates.Length; m++)
        {
            var estimate = estimates[m];
            if (double.IsNaN(estimate.Low) || estimate.Low != estimate.High) continue;
            var denominator = Denominator(names[m], confusion);
            if (denominator > 0 && estimate.Value is 0 or 1)
                estimates[m] = Wilson(estimate.Value, denominator, section.Confidence);
            else withoutSpread |= names[m] != MetricNames.MajorityShare;
        }
        if (withoutSpread) warnings.Add(EvaluationWarnings.NoSpread);
    }

    /// <summary>Wilson's score interval of a proportion.</summary>
    public static MetricEstimate Wilson(double share, int rows, double confidence)
    {
        var z = NormalDistribution.Quantile(0.5 + confidence / 2);
        var square = z * z / rows;
        var centre = (share + square / 2) / (1 + square);
        var margin = z * Math.Sqrt(share * (1 - share) / rows + square / (4 * rows)) / (1 + square);
        return new MetricEstimate(share, Math.Max(0, Math.Min(share, centre - margin)), Math.Min(1, Math.Max(share, centre + margin)));
    }

    private static int Denominator(string metric, IReadOnlyList<IReadOnlyList<int>> confusion) => metric switch
    {
        MetricNames.Accuracy or MetricNames.RecallWeighted => confusion.Sum(row => row.Sum()),
        MetricNames.Precision => confusion[0][1] + confusion[1][1],
        MetricNames.Recall => confusion[1].Sum(),
        MetricNames.Specificity => confusion[0].Sum(),
        _ => 0,
    };
}
