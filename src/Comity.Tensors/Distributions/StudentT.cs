namespace Comity.Tensors.Distributions;

/// <summary>Student's t distribution.</summary>
/// <remarks>
/// Through the regularised incomplete beta function by its continued fraction (DLMF 8.17.22) evaluated with Lentz's method, and
/// the logarithm of the gamma function by Stirling's series (DLMF 5.11.1) after shifting the argument upwards.
/// </remarks>
public static class StudentT
{
    /// <summary>P(T ≤ t), within 1e-13.</summary>
    /// <param name="t">The statistic; NaN gives NaN.</param>
    /// <param name="degreesOfFreedom">ν &gt; 0, not necessarily whole.</param>
    public static double Cumulative(double t, double degreesOfFreedom)
    {
        var tail = 0.5 * TwoSided(t, degreesOfFreedom);
        return t > 0 ? 1 - tail : tail;
    }

    /// <summary>P(|T| ≥ |t|): the two-sided p of a t statistic.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The degrees of freedom are not positive.</exception>
    public static double TwoSided(double t, double degreesOfFreedom)
    {
        if (!(degreesOfFreedom > 0))
            throw new ArgumentOutOfRangeException(nameof(degreesOfFreedom), degreesOfFreedom, "Degrees of freedom are positive.");
        if (double.IsNaN(t)) return double.NaN;
        if (double.IsInfinity(t)) return 0;
        var square = t * t;
        return IncompleteBeta(degreesOfFreedom / 2, 0.5, degreesOfFreedom / (degreesOfFreedom + square), square / (degreesOfFreedom + square));
    }

    /// <summary>The t with P(T ≤ t) = <paramref name="probability"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The probability is not within (0, 1), or the degrees of freedom are not positive.</exception>
    public static double Quantile(double probability, double degreesOfFreedom)
    {
        if (!(probability is > 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "The probability lies within (0, 1).");
        if (probability == 0.5) return 0;
        if (probability > 0.5) return -Quantile(1 - probability, degreesOfFreedom);
        double low = -1, high = 0;
        while (Cumulative(low, degreesOfFreedom) > probability) (high, low) = (low, low * 2);
        for (var i = 0; i < 200 && high - low > 1e-15 * Math.Abs(low); i++)
        {
            var middle = low + (high - low) / 2;
            if (Cumulative(middle, degreesOfFreedom) > probability) high = middle;
            else low = middle;
        }
        return low + (high - low) / 2;
    }

    /// <summary>I_x(a, b) with y = 1 − x given by itself, since it may be tiny.</summary>
    private static double IncompleteBeta(double a, double b, double x, double y)
    {
        if (x <= 0) return 0;
        if (y <= 0) return 1;
        var front = Math.Exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + a * Math.Log(x) + b * Math.Log(y));
        return x < (a + 1) / (a + b + 2) // beyond, the mirrored fraction converges faster
            ? front * BetaFraction(a, b, x) / a
            : 1 - front * BetaFraction(b, a, y) / b;
    }

    private static double BetaFraction(double a, double b, double x)
    {
        const double tiny = 1e-300;
        double c = 1, d = NotZero(1 - (a + b) * x / (a + 1));
        d = 1 / d;
        var value = d;
        for (var m = 1; m <= 1000; m++)
        {
            var even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 / NotZero(1 + even * d);
            c = NotZero(1 + even / c);
            value *= d * c;
            var odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
            d = 1 / NotZero(1 + odd * d);
            c = NotZero(1 + odd / c);
            value *= d * c;
            if (Math.Abs(d * c - 1) < 1e-16) break;
        }
        return value;

        static double NotZero(double v) => Math.Abs(v) < tiny ? tiny : v;
    }

    private static double LogGamma(double x)
    {
        var shift = 0.0;
        for (; x < 12; x++) shift += Math.Log(x);
        var r = 1 / (x * x);
        var series = (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r * (1.0 / 1188 - r * 691.0 / 360360))))) / x;
        return (x - 0.5) * Math.Log(x) - x + 0.5 * Math.Log(2 * Math.PI) + series - shift;
    }
}
