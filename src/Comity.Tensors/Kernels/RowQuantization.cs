using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Comity.Tensors.Kernels;

/// <summary>Floats to unsigned bytes, a scale and a zero point for each row, and sums of products of bytes back to floats.</summary>
/// <remarks>
/// x ≈ scale·(q − zero) with q from 0 to 255 over the row's range and zero (Jacob et al. 2018, arXiv:1712.05877, equation 1). Rows stand alone, so that an answer does not depend
/// on the records it was asked with. Element by element: the bits are the same on every processor, and no width is a parameter.
/// </remarks>
internal static unsafe class RowQuantization
{
    private const int Lanes = 8;
    private const float Least = 1e-30f; // a range below it is zero: its inverse would overflow

    /// <param name="x">Shape [rows, n].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="n">Columns.</param>
    /// <param name="q">The bytes, shape [rows, n].</param>
    /// <param name="scales">Shape [rows]; NaN for a row that is not finite.</param>
    /// <param name="zeros">Zero points, shape [rows].</param>
    public static void Quantize(float* x, int rows, int n, byte* q, float* scales, int* zeros)
    {
        for (var i = 0; i < rows; i++, x += n, q += n)
        {
            var (low, high) = Range(x, n);
            var range = high - low;
            zeros[i] = 0;
            if (!(range >= Least) || float.IsInfinity(range))
            {
                scales[i] = range < Least ? 0 : float.NaN;
                new Span<byte>(q, n).Clear();
                continue;
            }
            var inverse = 255 / range;
            scales[i] = range / 255;
            zeros[i] = (int)MathF.Round(-low * inverse);
            Round(x, n, inverse, zeros[i], q);
        }
    }

    /// <summary>y[j] = scale·scales[j]·(c[j] − zero·sums[j]) + bias[j], in the memory of c.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dequantize(int* c, int n, float scale, int zero, float* scales, int* sums, float* bias)
    {
        var y = (float*)c;
        var j = 0;
        var all = Vector256.Create(scale);
        var zeros = Vector256.Create(zero);
        for (; j + Lanes <= n; j += Lanes)
        {
            var sum = Vector256.ConvertToSingle(Vector256.Load(c + j) - zeros * Vector256.Load(sums + j));
            Vector256.FusedMultiplyAdd(sum, all * Vector256.Load(scales + j), bias == null ? Vector256<float>.Zero : Vector256.Load(bias + j)).Store(y + j);
        }
        for (; j < n; j++) y[j] = MathF.FusedMultiplyAdd(unchecked(c[j] - zero * sums[j]), scale * scales[j], bias == null ? 0 : bias[j]);
    }

    // The least and the largest, zero among them; NaN where a value is not finite.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float Low, float High) Range(float* x, int n)
    {
        Vector256<float> low = default, high = default, finite = default;
        var j = 0;
        for (; j + Lanes <= n; j += Lanes)
        {
            var v = Vector256.Load(x + j);
            low = Vector256.MinNative(v, low);
            high = Vector256.MaxNative(v, high);
            finite = Vector256.FusedMultiplyAdd(v, Vector256<float>.Zero, finite);
        }
        float least = 0, most = 0, broken = Vector256.Sum(finite);
        for (var lane = 0; lane < Lanes; lane++) (least, most) = (MathF.Min(least, low[lane]), MathF.Max(most, high[lane]));
        for (; j < n; j++)
        {
            broken += x[j] * 0;
            (least, most) = (MathF.Min(least, x[j]), MathF.Max(most, x[j]));
        }
        return (least + broken, most + broken);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Round(float* x, int n, float inverse, int zero, byte* q)
    {
        var j = 0;
        Vector256<float> factor = Vector256.Create(inverse), shift = Vector256.Create((float)zero);
        for (; j + 4 * Lanes <= n; j += 4 * Lanes)
        {
            Vector256<short> a = Vector256.Narrow(At(x + j), At(x + j + Lanes)), b = Vector256.Narrow(At(x + j + 2 * Lanes), At(x + j + 3 * Lanes));
            Vector256.Narrow(a.AsUInt16(), b.AsUInt16()).Store(q + j);
        }
        for (; j < n; j++) q[j] = (byte)Math.Clamp(MathF.Round(x[j] * inverse) + zero, 0, 255);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        Vector256<int> At(float* from)
        {
            var rounded = Vector256.Round(Vector256.Load(from) * factor) + shift;
            return Vector256.ConvertToInt32Native(Vector256.MinNative(Vector256.MaxNative(rounded, Vector256<float>.Zero), Vector256.Create(255f)));
        }
    }
}
