namespace Comity.Privacy.Numerics;

/// <summary>The complementary error function and what follows from it, to about one unit in the last place of a double.</summary>
/// <remarks>W. J. Cody 1969, "Rational Chebyshev approximations for the error function", Math. Comp. 23; coefficients of his CALERF.</remarks>
internal static class ErrorFunction
{
    private const double InverseSqrtPi = 0.56418958354775628695;

    private static ReadOnlySpan<double> A => [3.16112374387056560e00, 1.13864154151050156e02, 3.77485237685302021e02, 3.20937758913846947e03, 1.85777706184603153e-1];
    private static ReadOnlySpan<double> B => [2.36012909523441209e01, 2.44024637934444173e02, 1.28261652607737228e03, 2.84423683343917062e03];
    private static ReadOnlySpan<double> C =>
    [
        5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e01, 2.98635138197400131e02, 8.81952221241769090e02,
        1.71204761263407058e03, 2.05107837782607147e03, 1.23033935479799725e03, 2.15311535474403846e-8,
    ];
    private static ReadOnlySpan<double> D =>
    [
        1.57449261107098347e01, 1.17693950891312499e02, 5.37181101862009858e02, 1.62138957456669019e03,
        3.29079923573345963e03, 4.36261909014324716e03, 3.43936767414372164e03, 1.23033935480374942e03,
    ];
    private static ReadOnlySpan<double> P =>
        [3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4, 1.63153871373020978e-2];
    private static ReadOnlySpan<double> Q => [2.56852019228982242e00, 1.87295284992346047e00, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3];

    /// <summary>erfc(x).</summary>
    public static double Erfc(double x)
    {
        if (double.IsNaN(x)) return double.NaN;
        var y = Math.Abs(x);
        if (y <= 0.46875) return 1 - SmallErf(x);
        var positive = y > 27 ? 0 : SplitExp(y) * Scaled(y);
        return x > 0 ? positive : 2 - positive;
    }

    /// <summary>ln erfc(x), finite far beyond where erfc underflows.</summary>
    public static double LogErfc(double x) =>
        x <= 0.46875 ? Math.Log(Erfc(x)) : -(x * x) + Math.Log(Scaled(x));

    /// <summary>Standard normal distribution function Φ(x).</summary>
    public static double NormalCdf(double x) => 0.5 * Erfc(-x / Math.Sqrt(2));

    /// <summary>ln Φ(x).</summary>
    public static double LogNormalCdf(double x) => LogErfc(-x / Math.Sqrt(2)) - Math.Log(2);

    private static double SmallErf(double x)
    {
        var squared = x * x;
        var numerator = A[4] * squared;
        var denominator = squared;
        for (var i = 0; i < 3; i++)
        {
            numerator = (numerator + A[i]) * squared;
            denominator = (denominator + B[i]) * squared;
        }
        return x * (numerator + A[3]) / (denominator + B[3]);
    }

    // exp(x²)·erfc(x) for x > 0.46875.
    private static double Scaled(double y)
    {
        if (y <= 4)
        {
            var numerator = C[8] * y;
            var denominator = y;
            for (var i = 0; i < 7; i++)
            {
                numerator = (numerator + C[i]) * y;
                denominator = (denominator + D[i]) * y;
            }
            return (numerator + C[7]) / (denominator + D[7]);
        }

        var inverse = 1 / (y * y);
        var top = P[5] * inverse;
        var bottom = inverse;
        for (var i = 0; i < 4; i++)
        {
            top = (top + P[i]) * inverse;
            bottom = (bottom + Q[i]) * inverse;
        }
        var correction = inverse * (top + P[4]) / (bottom + Q[4]);
        return (InverseSqrtPi - correction) / y;
    }

    // exp(−y²) with y² split, so that the rounding of the square does not reach the result.
    private static double SplitExp(double y)
    {
        var head = Math.Truncate(y * 16) / 16;
        var rest = (y - head) * (y + head);
        return Math.Exp(-head * head) * Math.Exp(-rest);
    }
}
