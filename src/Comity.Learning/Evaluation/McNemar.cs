using Comity.Tensors.Distributions;

namespace Comity.Learning.Evaluation;

/// <summary>Tests a difference of accuracy by the rows on which exactly one of two models is right.</summary>
/// <remarks>
/// p: McNemar's exact test with mid-p (Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91), which keeps
/// its level nearly everywhere without the exact test's loss of power. Interval and standard error: Agresti and Min (2005,
/// Statistics in Medicine 24:729), half a row added to each of the four cells, so that a few rows without disagreement don't
/// pretend to certainty. The difference itself is the plain one.
/// </remarks>
internal static class McNemar
{
    public const string Name = "mcnemar";

    /// <param name="metric">The metric's name.</param>
    /// <param name="lost">Rows that only the baseline got right.</param>
    /// <param name="gained">Rows that only the candidate got right.</param>
    /// <param name="rows">All rows, n ≥ 1.</param>
    /// <param name="confidence">Level of the interval.</param>
    public static MetricDifference Test(string metric, int lost, int gained, int rows, double confidence)
    {
        double b = lost + 0.5, c = gained + 0.5, n = rows + 2;
        var centre = (c - b) / n;
        var error = Math.Sqrt(b + c - (c - b) * (c - b) / n) / n;
        var quantile = NormalDistribution.Quantile(0.5 + confidence / 2);
        return MetricDifference.Of(metric, Name, (gained - lost) / (double)rows, centre, error, quantile, MidP(lost, gained));
    }

    /// <summary>2 P(X ≤ min) − P(X = min) for X binomial over the discordant rows with chance ½.</summary>
    public static double MidP(int lost, int gained)
    {
        int discordant = lost + gained, fewer = Math.Min(lost, gained);
        if (discordant == 0) return 1;
        // In logarithms, since 2^-n underflows from about a thousand rows on.
        double logCoefficient = 0, half = discordant * Math.Log(0.5), below = 0, last = 0;
        for (var k = 0; k <= fewer; k++)
        {
            if (k > 0) logCoefficient += Math.Log((discordant - k + 1.0) / k);
            last = Math.Exp(logCoefficient + half);
            below += last;
        }
        return Math.Min(1, 2 * below - last);
    }
}
