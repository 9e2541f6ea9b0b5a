using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Comity.Tensors.Kernels;

/// <summary>Weighted sums of long vectors, eight in one pass: what is read once is used once, so memory is the limit.</summary>
internal static unsafe class WeightedSums<TWide> where TWide : unmanaged, IWide<TWide>
{
    /// <summary>Vectors of one pass.</summary>
    public const int AtOnce = 8;

    // Beyond this a result is not read again before it has left the caches, so it goes past them.
    private const nint Streamed = 1 << 20;

    /// <summary>y = (y +) Σ weight·vector, a chain in the order of the vectors.</summary>
    public static void Run(float** x, float* weights, int count, float* y, nint n, bool accumulate)
    {
        nint i = 0;
        if (count == AtOnce && !accumulate && n >= Streamed && Vector256.IsHardwareAccelerated && TWide.Count >= 8)
        {
            for (; ((nuint)(y + i) & 31) != 0; i++) y[i] = One(x, weights, count, i, 0);
            i = Stream(x, weights, y, i, n);
        }
        for (; i + TWide.Count <= n; i += TWide.Count)
        {
            var sum = accumulate ? TWide.Load(y + i) : TWide.Zero;
            for (var v = 0; v < count; v++) sum = TWide.MultiplyAdd(TWide.Create(weights[v]), TWide.Load(x[v] + i), sum);
            TWide.Store(sum, y + i);
        }
        for (; i < n; i++) y[i] = One(x, weights, count, i, accumulate ? y[i] : 0);
    }

    private static float One(float** x, float* weights, int count, nint i, float sum)
    {
        for (var v = 0; v < count; v++) sum = MathF.FusedMultiplyAdd(weights[v], x[v][i], sum);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static nint Stream(float** x, float* weights, float* y, nint i, nint n)
    {
        float* x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3], x4 = x[4], x5 = x[5], x6 = x[6], x7 = x[7];
        Vector256<float> w0 = Vector256.Create(weights[0]), w1 = Vector256.Create(weights[1]), w2 = Vector256.Create(weights[2]), w3 = Vector256.Create(weights[3]);
        Vector256<float> w4 = Vector256.Create(weights[4]), w5 = Vector256.Create(weights[5]), w6 = Vector256.Create(weights[6]), w7 = Vector256.Create(weights[7]);
        for (; i + 8 <= n; i += 8)
        {
            // From zero as everywhere: the first product is rounded once, like a fused one.
            var sum = Vector256.FusedMultiplyAdd(w0, Vector256.Load(x0 + i), Vector256<float>.Zero);
            sum = Vector256.FusedMultiplyAdd(w1, Vector256.Load(x1 + i), sum);
            sum = Vector256.FusedMultiplyAdd(w2, Vector256.Load(x2 + i), sum);
            sum = Vector256.FusedMultiplyAdd(w3, Vector256.Load(x3 + i), sum);
            sum = Vector256.FusedMultiplyAdd(w4, Vector256.Load(x4 + i), sum);
            sum = Vector256.FusedMultiplyAdd(w5, Vector256.Load(x5 + i), sum);
            sum = Vector256.FusedMultiplyAdd(w6, Vector256.Load(x6 + i), sum);
            sum = Vector256.FusedMultiplyAdd(w7, Vector256.Load(x7 + i), sum);
            sum.StoreAlignedNonTemporal(y + i);
        }
        return i;
    }
}
