namespace Comity.Federation.Evidence;

/// <summary>The normal and Student's t distribution, as far as tests need them.</summary>
internal static class Distributions
{
    private const double Tiny = 1e-300;

    /// <summary>Two-sided p of a standard normal deviate: erfc(|z|/√2).</summary>
    public static double NormalTwoSided(double z) => double.IsNaN(z) ? double.NaN : double.IsInfinity(z) ? 0 : UpperGammaHalf(z * z / 2);

    /// <summary>The deviate below which a share <paramref name="p"/> of a standard normal lies (bisection on the tail, to the last bits).</summary>
    public static double NormalQuantile(double p) => Quantile(p, z => NormalTwoSided(z));

    /// <summary>Two-sided p of Student's t with <paramref name="degrees"/> degrees of freedom: I_{ν/(ν+t²)}(ν/2, 1/2).</summary>
    public static double StudentTwoSided(double t, double degrees) =>
        double.IsNaN(t) ? double.NaN : double.IsInfinity(t) ? 0 : IncompleteBeta(degrees / (degrees + (t * t)), degrees / 2, 0.5);

    /// <summary>The t below which a share <paramref name="p"/> lies.</summary>
    public static double StudentQuantile(double p, double degrees) => Quantile(p, t => StudentTwoSided(t, degrees));

    private static double Quantile(double p, Func<double, double> twoSided)
    {
        if (p < 0.5) return -Quantile(1 - p, twoSided);
        var tail = 2 * (1 - p);
        double low = 0, high = 1;
        while (twoSided(high) > tail && high < 1e12) high *= 2;
        for (var i = 0; i < 200 && low < high; i++)
        {
            var middle = low + ((high - low) / 2);
            if (middle == low || middle == high) break;
            if (twoSided(middle) > tail) low = middle;
            else high = middle;
        }
        return high;
    }

    // Regularised upper incomplete gamma for a = 1/2: series below a + 1, Lentz's continued fraction above (Press et al., Numerical Recipes, 6.2).
    private static double UpperGammaHalf(double x)
    {
        const double a = 0.5;
        const double logGammaHalf = 0.57236494292470008707;
        if (x == 0) return 1;
        var scale = Math.Exp(-x + (a * Math.Log(x)) - logGammaHalf);
        if (x < a + 1)
        {
            double term = 1 / a, sum = term;
            for (var n = 1; n < 1000 && term > sum * 1e-17; n++)
            {
                term *= x / (a + n);
                sum += term;
            }
            return 1 - (sum * scale);
        }
        double b = x + 1 - a, c = 1 / Tiny, d = 1 / b, h = d;
        for (var i = 1; i < 10_000; i++)
        {
            var an = -i * (i - a);
            b += 2;
            d = 1 / Guard((an * d) + b);
            c = Guard(b + (an / c));
            h *= d * c;
            if (Math.Abs((d * c) - 1) < 1e-16) break;
        }
        return scale * h;
    }

    private static double IncompleteBeta(double x, double a, double b)
    {
        if (x <= 0) return 0;
        if (x >= 1) return 1;
        var front = Math.Exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + (a * Math.Log(x)) + (b * Math.Log(1 - x)));
        return x < (a + 1) / (a + b + 2) ? front * BetaFraction(x, a, b) / a : 1 - (front * BetaFraction(1 - x, b, a) / b);
    }

    private static double BetaFraction(double x, double a, double b)
    {
        double c = 1, d = 1 / Guard(1 - ((a + b) * x / (a + 1))), h = d;
        for (var m = 1; m < 10_000; m++)
        {
            var even = m * (b - m) * x / ((a + (2 * m) - 1) * (a + (2 * m)));
            d = 1 / Guard(1 + (even * d));
            c = Guard(1 + (even / c));
            h *= d * c;
            var odd = -(a + m) * (a + b + m) * x / ((a + (2 * m)) * (a + (2 * m) + 1));
            d = 1 / Guard(1 + (odd * d));
            c = Guard(1 + (odd / c));
            h *= d * c;
            if (Math.Abs((d * c) - 1) < 1e-16) break;
        }
        return h;
    }

    private static double Guard(double value) => Math.Abs(value) < Tiny ? Tiny : value;

    // Lanczos with g = 7, n = 9 (Godfrey 2001): about 15 digits.
    private static double LogGamma(double x)
    {
        ReadOnlySpan<double> c =
        [
            0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
            12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
        ];
        if (x < 0.5) return Math.Log(Math.PI / Math.Sin(Math.PI * x)) - LogGamma(1 - x);
        x -= 1;
        var sum = c[0];
        for (var i = 1; i < c.Length; i++) sum += c[i] / (x + i);
        var t = x + 7.5;
        return (0.5 * Math.Log(2 * Math.PI)) + ((x + 0.5) * Math.Log(t)) - t + Math.Log(sum);
    }
}
