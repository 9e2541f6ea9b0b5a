namespace Comity.Privacy.Numerics;

/// <summary>Sums and differences of numbers given by their logarithms.</summary>
internal static class LogSpace
{
    /// <summary>ln(eᵃ + eᵇ).</summary>
    public static double Add(double a, double b)
    {
        var (low, high) = a < b ? (a, b) : (b, a);
        return double.IsNegativeInfinity(low) ? high : high + Precise.LogOnePlus(Math.Exp(low - high));
    }

    /// <summary>ln(eᵃ − eᵇ), for a ≥ b.</summary>
    public static double Subtract(double a, double b)
    {
        if (double.IsNegativeInfinity(b)) return a;
        if (a < b) throw new ArgumentException("The difference would be negative.");
        return a == b ? double.NegativeInfinity : a + LogOneMinusExp(b - a);
    }

    /// <summary>ln(eˣ − 1), for x &gt; 0.</summary>
    public static double LogExpMinusOne(double x) => x > 1 ? x + Precise.LogOnePlus(-Math.Exp(-x)) : Math.Log(Precise.ExpMinusOne(x));

    // ln(1 − eˣ), x < 0: Mächler 2012, "Accurately computing log(1 − exp(−|a|))".
    private static double LogOneMinusExp(double x) => x > -0.6931471805599453 ? Math.Log(-Precise.ExpMinusOne(x)) : Precise.LogOnePlus(-Math.Exp(x));
}
