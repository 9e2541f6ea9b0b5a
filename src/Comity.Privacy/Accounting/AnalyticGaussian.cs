using Comity.Privacy.Numerics;

namespace Comity.Privacy.Accounting;

/// <summary>The exact cost of one Gaussian release, in both directions.</summary>
/// <remarks>
/// Balle and Wang 2018 (arXiv:1805.06530), Theorem 8: δ(ε) = Φ(1/(2s) − εs) − e^ε·Φ(−1/(2s) − εs) with s = σ / sensitivity.
/// Evaluated through logarithms of Φ, so that small δ keep their leading digits.
/// </remarks>
public static class AnalyticGaussian
{
    /// <summary>δ at an ε ≥ 0.</summary>
    /// <param name="noiseMultiplier">s = σ / L2 sensitivity, positive.</param>
    /// <param name="epsilon">ε, zero or more.</param>
    public static double Delta(double noiseMultiplier, double epsilon)
    {
        Guard.Positive(noiseMultiplier);
        Guard.NotNegative(epsilon);
        var half = 1 / (2 * noiseMultiplier);
        var first = ErrorFunction.LogNormalCdf(half - epsilon * noiseMultiplier);
        var second = epsilon + ErrorFunction.LogNormalCdf(-half - epsilon * noiseMultiplier);
        return second >= first ? 0 : -Math.Exp(first) * Precise.ExpMinusOne(second - first);
    }

    /// <summary>The smallest ε at a δ.</summary>
    /// <param name="noiseMultiplier">s = σ / L2 sensitivity, positive.</param>
    /// <param name="delta">δ in (0, 1).</param>
    public static double Epsilon(double noiseMultiplier, double delta)
    {
        Guard.Positive(noiseMultiplier);
        Guard.Delta(delta);
        if (Delta(noiseMultiplier, 0) <= delta) return 0;
        var high = 1.0;
        while (Delta(noiseMultiplier, high) > delta) high *= 2;
        return Bisection.UpperEnd(0, high, epsilon => Delta(noiseMultiplier, epsilon) <= delta);
    }

    /// <summary>The smallest noise multiplier that keeps (ε, δ).</summary>
    /// <param name="epsilon">ε, positive.</param>
    /// <param name="delta">δ in (0, 1).</param>
    public static double NoiseMultiplier(double epsilon, double delta)
    {
        Guard.Positive(epsilon);
        Guard.Delta(delta);
        var (low, high) = (1e-3, 1.0);
        while (Delta(high, epsilon) > delta) high *= 2;
        while (Delta(low, epsilon) <= delta) low /= 2;
        return Bisection.UpperEnd(low, high, noise => Delta(noise, epsilon) <= delta);
    }

    /// <summary>The single Gaussian that costs exactly what several cost together: 1/s² = Σ 1/sᵢ².</summary>
    /// <param name="releases">Noise multiplier and count of each.</param>
    public static double Compose(params ReadOnlySpan<(double NoiseMultiplier, long Count)> releases)
    {
        var precision = 0.0;
        foreach (var (noise, count) in releases)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(count, nameof(releases));
            precision += count / (Guard.Positive(noise) * noise);
        }
        return precision == 0 ? double.PositiveInfinity : 1 / Math.Sqrt(precision);
    }
}
