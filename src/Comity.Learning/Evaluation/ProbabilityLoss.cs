namespace Comity.Learning.Evaluation;

/// <summary>Log loss of a row, clipped as scikit-learn clips single-precision probabilities.</summary>
internal static class ProbabilityLoss
{
    /// <summary>Machine epsilon of a float, 2⁻²³: probabilities are moved into [ε, 1 − ε], so that one certain mistake costs 15.9 and not infinity.</summary>
    public const double Epsilon = 1.0 / (1 << 23);

    /// <summary>−ln p of the true class, where <paramref name="probabilities"/> are clipped and then rescaled to sum to one.</summary>
    public static double Of(ReadOnlySpan<float> probabilities, int truth)
    {
        var sum = 0.0;
        foreach (var p in probabilities) sum += Clip(p);
        return Math.Log(sum) - Math.Log(Clip(probabilities[truth]));
    }

    /// <summary>−ln p, or −ln(1 − p) for a negative row.</summary>
    public static double OfPositive(double p, bool truth) => -Math.Log(truth ? Clip(p) : 1 - Clip(p));

    private static double Clip(double p) => Math.Clamp(p, Epsilon, 1 - Epsilon);
}
