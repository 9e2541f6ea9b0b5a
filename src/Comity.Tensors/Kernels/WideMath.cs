using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>Elementary functions on registers: polynomials in single precision, the same bits on every platform (unlike the C library's).</summary>
/// <remarks>exp and log follow Cephes (Moshier 1992): relative error below 2·10⁻⁷. tanh and erf keep their relative accuracy near zero.</remarks>
internal static class WideMath<TWide> where TWide : unmanaged, IWide<TWide>
{
    /// <summary>eˣ; 0 below −87.3 and infinity above 88.02 (where 2¹²⁷ is reached).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TWide Exp(TWide x)
    {
        var value = Within(x); // whatever comes of the rest is replaced
        value = TWide.Select(TWide.GreaterThan(TWide.Create(-87.3365447504f), x), TWide.Zero, value);
        return TWide.Select(TWide.GreaterThan(x, TWide.Create(88.02f)), TWide.Create(float.PositiveInfinity), value);
    }

    // eˣ of x brought within [−87.3, 88.02], where nobody needs the exact 0 and infinity beyond.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TWide Bounded(TWide x) => Within(TWide.Min(TWide.Create(88.02f), TWide.Max(TWide.Create(-87.3365447504f), x)));

    // eˣ of x within [−87.3, 88.02], which keeps n within [−126, 127].
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TWide Within(TWide x)
    {
        var n = TWide.Round(x * TWide.Create(1.44269504088896341f));
        var r = TWide.MultiplySubtractFrom(n, TWide.Create(0.693359375f), x);
        r = TWide.MultiplySubtractFrom(n, TWide.Create(-2.12194440e-4f), r);
        var p = TWide.Create(1.9875691500e-4f);
        p = TWide.MultiplyAdd(p, r, TWide.Create(1.3981999507e-3f));
        p = TWide.MultiplyAdd(p, r, TWide.Create(8.3334519073e-3f));
        p = TWide.MultiplyAdd(p, r, TWide.Create(4.1665795894e-2f));
        p = TWide.MultiplyAdd(p, r, TWide.Create(1.6666665459e-1f));
        p = TWide.MultiplyAdd(p, r, TWide.Create(5.0000001201e-1f));
        p = TWide.MultiplyAdd(p, r * r, r + TWide.Create(1));
        return TWide.ScaleByPowerOfTwo(p, n);
    }

    /// <summary>ln x; −infinity at 0, NaN below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TWide Log(TWide x)
    {
        // Subnormal numbers are lifted by 2²³ first.
        var tiny = TWide.GreaterThan(TWide.Create(1.17549435e-38f), x);
        var normal = TWide.Select(tiny, x * TWide.Create(8388608f), x);
        var e = TWide.Exponent(normal, out var m);
        e = TWide.Select(tiny, e - TWide.Create(23), e);
        var low = TWide.GreaterThan(TWide.Create(0.707106781186547524f), m);
        e = TWide.Select(low, e - TWide.Create(1), e);
        m = TWide.Select(low, m + m, m) - TWide.Create(1);
        var z = m * m;
        var p = TWide.Create(7.0376836292e-2f);
        p = TWide.MultiplyAdd(p, m, TWide.Create(-1.1514610310e-1f));
        p = TWide.MultiplyAdd(p, m, TWide.Create(1.1676998740e-1f));
        p = TWide.MultiplyAdd(p, m, TWide.Create(-1.2420140846e-1f));
        p = TWide.MultiplyAdd(p, m, TWide.Create(1.4249322787e-1f));
        p = TWide.MultiplyAdd(p, m, TWide.Create(-1.6668057665e-1f));
        p = TWide.MultiplyAdd(p, m, TWide.Create(2.0000714765e-1f));
        p = TWide.MultiplyAdd(p, m, TWide.Create(-2.4999993993e-1f));
        p = TWide.MultiplyAdd(p, m, TWide.Create(3.3333331174e-1f));
        var y = p * m * z;
        y = TWide.MultiplyAdd(e, TWide.Create(-2.12194440e-4f), y);
        y = TWide.MultiplySubtractFrom(TWide.Create(0.5f), z, y);
        var value = TWide.MultiplyAdd(e, TWide.Create(0.693359375f), m + y);
        value = TWide.Select(TWide.GreaterThan(x, TWide.Create(float.MaxValue)), x, value);
        value = TWide.Select(TWide.GreaterThan(TWide.Create(float.Epsilon), x), TWide.Create(float.NegativeInfinity), value);
        value = TWide.Select(TWide.GreaterThan(TWide.Zero, x), TWide.Create(float.NaN), value);
        value = TWide.Select(TWide.GreaterThan(x, TWide.Create(float.NegativeInfinity)), value, TWide.Create(float.NaN));
        return value;
    }

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TWide Sigmoid(TWide x)
    {
        // e⁻ˣ as in Bounded, bit for bit: the sign is carried through every constant instead of taken first.
        var clamped = TWide.Max(TWide.Create(-88.02f), TWide.Min(TWide.Create(87.3365447504f), x));
        var n = TWide.Round(clamped * TWide.Create(-1.44269504088896341f));
        var r = TWide.MultiplyAdd(n, TWide.Create(0.693359375f), clamped);
        r = TWide.MultiplyAdd(n, TWide.Create(-2.12194440e-4f), r);
        var p = TWide.Create(-1.9875691500e-4f);
        p = TWide.MultiplyAdd(p, r, TWide.Create(1.3981999507e-3f));
        p = TWide.MultiplyAdd(p, r, TWide.Create(-8.3334519073e-3f));
        p = TWide.MultiplyAdd(p, r, TWide.Create(4.1665795894e-2f));
        p = TWide.MultiplyAdd(p, r, TWide.Create(-1.6666665459e-1f));
        p = TWide.MultiplyAdd(p, r, TWide.Create(5.0000001201e-1f));
        p = TWide.MultiplyAdd(p, r * r, TWide.Create(1) - r);
        var value = TWide.Create(1) / (TWide.Create(1) + TWide.ScaleByPowerOfTwo(p, n));
        return TWide.Select(TWide.GreaterThan(TWide.Create(-88.02f), x), TWide.Zero, value);
    }

    /// <summary>Hyperbolic tangent: an odd polynomial over an even one, relative error below 3·10⁻⁷ everywhere.</summary>
    /// <remarks>The fit of Eigen's fast tanh; x − x³/3 near zero and ±1 where single precision knows nothing in between.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TWide Tanh(TWide x)
    {
        const float Far = 7.90531110763549805f, Near = 0.02f;
        var size = TWide.Abs(x);
        var c = TWide.Min(TWide.Create(Far), TWide.Max(TWide.Create(-Far), x));
        var z = c * c;
        var p = TWide.Create(-2.76076847742355e-16f);
        p = TWide.MultiplyAdd(p, z, TWide.Create(2.00018790482477e-13f));
        p = TWide.MultiplyAdd(p, z, TWide.Create(-8.60467152213735e-11f));
        p = TWide.MultiplyAdd(p, z, TWide.Create(5.12229709037114e-08f));
        p = TWide.MultiplyAdd(p, z, TWide.Create(1.48572235717979e-05f));
        p = TWide.MultiplyAdd(p, z, TWide.Create(6.37261928875436e-04f));
        p = TWide.MultiplyAdd(p, z, TWide.Create(4.89352455891786e-03f));
        var q = TWide.Create(1.19825839466702e-06f);
        q = TWide.MultiplyAdd(q, z, TWide.Create(1.18534705686654e-04f));
        q = TWide.MultiplyAdd(q, z, TWide.Create(2.26843463243900e-03f));
        q = TWide.MultiplyAdd(q, z, TWide.Create(4.89352518554385e-03f));
        var value = p * c / q;
        value = TWide.Select(TWide.GreaterThan(TWide.Create(Near), size), TWide.MultiplyAdd(x * z, TWide.Create(-1f / 3), x), value);
        return TWide.Select(TWide.GreaterThan(size, TWide.Create(Far)), TWide.Select(TWide.GreaterThan(x, TWide.Zero), TWide.Create(1), TWide.Create(-1)), value);
    }

    /// <summary>The error function: a series near zero, 1 − e^(−x²)·(rational in 1/(1+px)) beyond.</summary>
    /// <remarks>Beyond ½: erfc by the Chebyshev fit of Press et al. (Numerical Recipes, erfcc, relative error 1.2·10⁻⁷).</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TWide Erf(TWide x)
    {
        var size = TWide.Abs(x);
        var z = x * x;
        // Σ (−1)ⁿ x²ⁿ⁺¹ / (n!(2n+1)) · 2/√π, up to x¹⁵: error below 10⁻⁸ for |x| ≤ ¾.
        var p = TWide.Create(-1.4925650358406e-5f);
        p = TWide.MultiplyAdd(p, z, TWide.Create(1.2055332981790e-4f));
        p = TWide.MultiplyAdd(p, z, TWide.Create(-8.5483270234509e-4f));
        p = TWide.MultiplyAdd(p, z, TWide.Create(5.2239776254422e-3f));
        p = TWide.MultiplyAdd(p, z, TWide.Create(-2.6866170645131e-2f));
        p = TWide.MultiplyAdd(p, z, TWide.Create(1.1283791670955e-1f));
        p = TWide.MultiplyAdd(p, z, TWide.Create(-3.7612638903184e-1f));
        p = TWide.MultiplyAdd(p, z, TWide.Create(1.1283791670955f));
        var near = p * x;
        var t = TWide.Create(1) / TWide.MultiplyAdd(TWide.Create(0.5f), size, TWide.Create(1));
        var q = TWide.Create(0.17087277f);
        q = TWide.MultiplyAdd(q, t, TWide.Create(-0.82215223f));
        q = TWide.MultiplyAdd(q, t, TWide.Create(1.48851587f));
        q = TWide.MultiplyAdd(q, t, TWide.Create(-1.13520398f));
        q = TWide.MultiplyAdd(q, t, TWide.Create(0.27886807f));
        q = TWide.MultiplyAdd(q, t, TWide.Create(-0.18628806f));
        q = TWide.MultiplyAdd(q, t, TWide.Create(0.09678418f));
        q = TWide.MultiplyAdd(q, t, TWide.Create(0.37409196f));
        q = TWide.MultiplyAdd(q, t, TWide.Create(1.00002368f));
        q = TWide.MultiplyAdd(q, t, TWide.Create(-1.26551223f));
        var far = TWide.Create(1) - t * Exp(q - z);
        far = TWide.Select(TWide.GreaterThan(TWide.Zero, x), TWide.Zero - far, far);
        return TWide.Select(TWide.GreaterThan(TWide.Create(0.75f), size), near, far);
    }

    /// <summary>Standard normal distribution function Φ(x) and density φ(x).</summary>
    /// <remarks>Both by one e^(−x²/2): the tail is it times a polynomial in 1/(1 + p|x|) (Abramowitz and Stegun 1964, 26.2.17; absolute error 7.5·10⁻⁸).</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TWide Normal(TWide x, out TWide density)
    {
        // Both polynomials are summed by pairs (Estrin 1960): a chain of one coefficient after the other takes longer than all the work.
        var power = TWide.Max(TWide.Create(-87.3365447504f), TWide.Create(-0.5f) * x * x);
        var n = TWide.Round(power * TWide.Create(1.44269504088896341f));
        var r = TWide.MultiplySubtractFrom(n, TWide.Create(0.693359375f), power);
        r = TWide.MultiplySubtractFrom(n, TWide.Create(-2.12194440e-4f), r);
        var square = r * r;
        var e = TWide.MultiplyAdd(TWide.Create(1.9875691500e-4f), r, TWide.Create(1.3981999507e-3f));
        e = TWide.MultiplyAdd(e, square, TWide.MultiplyAdd(TWide.Create(8.3334519073e-3f), r, TWide.Create(4.1665795894e-2f)));
        e = TWide.MultiplyAdd(e, square, TWide.MultiplyAdd(TWide.Create(1.6666665459e-1f), r, TWide.Create(5.0000001201e-1f)));
        e = TWide.MultiplyAdd(e, square, r + TWide.Create(1));
        density = TWide.Create(0.3989422804014327f) * TWide.Select(TWide.GreaterThan(TWide.Abs(x), TWide.Create(13.2163874f)), TWide.Zero, TWide.ScaleByPowerOfTwo(e, n));
        var t = TWide.Create(1) / TWide.MultiplyAdd(TWide.Create(0.2316419f), TWide.Abs(x), TWide.Create(1));
        square = t * t;
        var p = TWide.MultiplyAdd(TWide.Create(1.330274429f), square, TWide.MultiplyAdd(TWide.Create(-1.821255978f), t, TWide.Create(1.781477937f)));
        p = TWide.MultiplyAdd(p, square, TWide.MultiplyAdd(TWide.Create(-0.356563782f), t, TWide.Create(0.319381530f)));
        var tail = p * t * density;
        return TWide.Select(TWide.GreaterThan(x, TWide.Zero), TWide.Create(1) - tail, tail);
    }
}
