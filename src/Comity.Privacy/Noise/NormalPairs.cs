using System.Runtime.Intrinsics;

namespace Comity.Privacy.Noise;

/// <summary>Standard normals from uniform bits, four pairs at a time: √(−2 ln u)·cos a and √(−2 ln u)·sin a (Box and Muller 1958), in double precision.</summary>
/// <remarks>
/// Two bits choose a quarter of the circle and 51 the place in it, so the angle needs no reduction: it is k·π/2 + x with |x| ≤ π/4, and sine and cosine of x are the polynomials of
/// Sun's fdlibm (k_sin.c, k_cos.c), in error by less than one unit in the last place.
/// </remarks>
internal static class NormalPairs
{
    /// <summary>Values of one call must be a multiple of this.</summary>
    public const int Granule = 8;

    /// <summary>Overwrites uniform bits with normals: pair i is values[i] and values[i + n/2].</summary>
    /// <param name="values">Shape [n]: 64 uniform bits each.</param>
    public static void FromBits(Span<double> values)
    {
        var half = values.Length / 2;
        Span<double> first = values[..half], second = values[half..];
        for (var i = 0; i < half; i += 4)
        {
            // u in (0, 1]: the logarithm of 0 would be infinite noise.
            var u = Vector256.ConvertToDouble(Vector256.ShiftRightLogical(Bits(first[i..]), 11).AsInt64() + Vector256<long>.One) * (1.0 / (1UL << 53));
            var radius = Vector256.Sqrt(Vector256.Log(u) * -2);
            var bits = Bits(second[i..]);
            var x = (Vector256.ConvertToDouble((Vector256.ShiftRightLogical(bits, 11) & Vector256.Create((1UL << 51) - 1)).AsInt64()) - Vector256.Create((double)(1L << 50))) * (Math.PI / 2 / (1L << 51));
            var (sin, cos) = SinCos(x);
            // A quarter turn: (c, s) becomes (−s, c); a half turn changes both signs.
            var quarter = Vector256.Equals(bits & Vector256.Create(1UL), Vector256.Create(1UL)).AsDouble();
            var turned = Vector256.ShiftLeft(bits, 62) & Vector256.Create(1UL << 63);
            var signOfFirst = turned ^ (Vector256.ShiftLeft(bits, 63) & Vector256.Create(1UL << 63));
            ((Vector256.ConditionalSelect(quarter, sin, cos).AsUInt64() ^ signOfFirst).AsDouble() * radius).CopyTo(first[i..]);
            ((Vector256.ConditionalSelect(quarter, cos, sin).AsUInt64() ^ turned).AsDouble() * radius).CopyTo(second[i..]);
        }
    }

    private static Vector256<ulong> Bits(ReadOnlySpan<double> values) => Vector256.Create(values).AsUInt64();

    // |x| ≤ π/4.
    private static (Vector256<double> Sin, Vector256<double> Cos) SinCos(Vector256<double> x)
    {
        var z = x * x;
        var s = Vector256.MultiplyAddEstimate(z, Vector256.Create(1.58969099521155010221e-10), Vector256.Create(-2.50507602534068634195e-08));
        s = Vector256.MultiplyAddEstimate(z, s, Vector256.Create(2.75573137070700676789e-06));
        s = Vector256.MultiplyAddEstimate(z, s, Vector256.Create(-1.98412698298579493134e-04));
        s = Vector256.MultiplyAddEstimate(z, s, Vector256.Create(8.33333333332248946124e-03));
        s = Vector256.MultiplyAddEstimate(z, s, Vector256.Create(-1.66666666666666324348e-01));
        var c = Vector256.MultiplyAddEstimate(z, Vector256.Create(-1.13596475577881948265e-11), Vector256.Create(2.08757232129817482790e-09));
        c = Vector256.MultiplyAddEstimate(z, c, Vector256.Create(-2.75573143513906633035e-07));
        c = Vector256.MultiplyAddEstimate(z, c, Vector256.Create(2.48015872894767294178e-05));
        c = Vector256.MultiplyAddEstimate(z, c, Vector256.Create(-1.38888888888741095749e-03));
        c = Vector256.MultiplyAddEstimate(z, c, Vector256.Create(4.16666666666666019037e-02));
        var half = z * 0.5;
        return (Vector256.MultiplyAddEstimate(x * z, s, x), Vector256<double>.One - (half - z * z * c));
    }
}
