namespace Comity.Tensors.Distributions;

/// <summary>The standard normal distribution.</summary>
/// <remarks>
/// Distribution function: the series of Marsaglia (2004, "Evaluating the normal distribution", Journal of Statistical Software 11(4))
/// in the middle and the continued fraction of Laplace (Abramowitz and Stegun 26.2.14) in the tails, so that small tails keep their
/// relative precision. Quantile: the rational start of Abramowitz and Stegun 26.2.23, then Halley's iteration.
/// </remarks>
public static class NormalDistribution
{
    private const double Middle = 3;

    /// <summary>Density at <paramref name="x"/>.</summary>
    public static double Density(double x) => Math.Exp(-0.5 * x * x) / Math.Sqrt(2 * Math.PI);

    /// <summary>P(X ≤ x), within 1e-15 absolute; NaN for NaN.</summary>
    public static double Cumulative(double x)
    {
        if (double.IsNaN(x)) return double.NaN;
        if (x < -Middle) return LowerTail(-x);
        if (x > Middle) return 1 - LowerTail(x);
        double term = x, sum = x;
        for (var k = 3; Math.Abs(term) > 1e-18 * Math.Abs(sum); k += 2)
        {
            term *= x * x / k;
            sum += term;
        }
        return 0.5 + sum * Density(x);
    }

    /// <summary>P(|X| ≥ |z|): the two-sided p of a z statistic.</summary>
    public static double TwoSided(double z) => double.IsNaN(z) ? double.NaN : Math.Min(1, 2 * Cumulative(-Math.Abs(z)));

    /// <summary>The x with P(X ≤ x) = <paramref name="probability"/>.</summary>
    /// <param name="probability">In [0, 1]; 0 and 1 give the infinities.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is outside [0, 1] or NaN.</exception>
    public static double Quantile(double probability)
    {
        if (!(probability is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "A probability lies between 0 and 1.");
        if (probability == 0) return double.NegativeInfinity;
        if (probability == 1) return double.PositiveInfinity;
        if (probability > 0.5) return -LowerQuantile(1 - probability);
        return probability == 0.5 ? 0 : LowerQuantile(probability);
    }

    private static double LowerQuantile(double p)
    {
        var t = Math.Sqrt(-2 * Math.Log(p));
        var x = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
        for (var i = 0; i < 4; i++)
        {
            var error = (Cumulative(x) - p) / Density(x);
            x -= error / (1 + 0.5 * x * error);
        }
        return x;
    }

    private static double LowerTail(double x)
    {
        if (x > 40) return 0; // below the smallest double
        var fraction = x; // from the far end, where its value hardly matters
        for (var k = 160; k >= 1; k--) fraction = x + k / fraction;
        return Density(x) / fraction;
    }
}
