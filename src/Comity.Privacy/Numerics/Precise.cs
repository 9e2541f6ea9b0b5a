namespace Comity.Privacy.Numerics;

/// <summary>exp(x) − 1 and ln(1 + x) without cancellation near zero (the platform's own are the plain differences).</summary>
/// <remarks>W. Kahan's quotients, as analysed in Higham 2002, "Accuracy and Stability of Numerical Algorithms", §1.14.1.</remarks>
internal static class Precise
{
    /// <summary>exp(x) − 1.</summary>
    public static double ExpMinusOne(double x)
    {
        if (Math.Abs(x) > 1) return Math.Exp(x) - 1;
        var u = Math.Exp(x);
        return u == 1 ? x : (u - 1) * x / Math.Log(u);
    }

    /// <summary>ln(1 + x), for x &gt; −1.</summary>
    public static double LogOnePlus(double x)
    {
        if (Math.Abs(x) > 0.5) return Math.Log(1 + x);
        var u = 1 + x;
        return u == 1 ? x : Math.Log(u) * x / (u - 1);
    }
}
