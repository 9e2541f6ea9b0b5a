using System.Runtime.CompilerServices;
using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>The matrix product with a single column: a vector has no width to tile.</summary>
/// <remarks>Sums of a row run over the lanes, so here the last bits depend on the vector width.</remarks>
internal static unsafe class GemmColumn<TWide> where TWide : unmanaged, IWide<TWide>
{
    public static bool Fits(bool transposeA, int ldc, float* start, int ldStart) => !transposeA || (ldc == 1 && (start == null || ldStart == 1));

    public static void Run(bool transposeA, int m, int k, float* a, int lda, float* b, int bStride, float* c, int ldc, float* start, int ldStart)
    {
        if (transposeA)
        {
            // cᵀ = bᵀ·A, where A is stored as [k, m]: the long side becomes the vector side.
            Combine(m, k, a, lda, b, bStride, c, start);
            return;
        }
        if (bStride != 1)
        {
            var packed = Scratch.OfThread.Right(k);
            for (var d = 0; d < k; d++) packed[d] = b[(nint)d * bStride];
            b = packed;
        }
        for (var i = 0; i < m; i++)
        {
            var dot = Dot(a + (nint)i * lda, b, k);
            c[(nint)i * ldc] = start == null ? dot : start[(nint)i * ldStart] + dot;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot(float* x, float* y, int n)
    {
        TWide s0 = TWide.Zero, s1 = TWide.Zero, s2 = TWide.Zero, s3 = TWide.Zero;
        var w = TWide.Count;
        var i = 0;
        for (; i + 4 * w <= n; i += 4 * w)
        {
            s0 = TWide.MultiplyAdd(TWide.Load(x + i), TWide.Load(y + i), s0);
            s1 = TWide.MultiplyAdd(TWide.Load(x + i + w), TWide.Load(y + i + w), s1);
            s2 = TWide.MultiplyAdd(TWide.Load(x + i + 2 * w), TWide.Load(y + i + 2 * w), s2);
            s3 = TWide.MultiplyAdd(TWide.Load(x + i + 3 * w), TWide.Load(y + i + 3 * w), s3);
        }
        for (; i + w <= n; i += w) s0 = TWide.MultiplyAdd(TWide.Load(x + i), TWide.Load(y + i), s0);
        var tail = 0f;
        for (; i < n; i++) tail = MathF.FusedMultiplyAdd(x[i], y[i], tail);
        return TWide.Sum(s0 + s1 + (s2 + s3)) + tail;
    }

    // c[j] = start[j] + Σ_d b[d]·a[d, j]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Combine(int m, int k, float* a, int lda, float* b, int bStride, float* c, float* start)
    {
        var w = TWide.Count;
        var j = 0;
        for (; j + 4 * w <= m; j += 4 * w)
        {
            TWide s0 = TWide.Zero, s1 = TWide.Zero, s2 = TWide.Zero, s3 = TWide.Zero;
            if (start != null) (s0, s1, s2, s3) = (TWide.Load(start + j), TWide.Load(start + j + w), TWide.Load(start + j + 2 * w), TWide.Load(start + j + 3 * w));
            float* row = a + j, x = b;
            for (var d = 0; d < k; d++, row += lda, x += bStride)
            {
                var factor = TWide.Create(*x);
                s0 = TWide.MultiplyAdd(factor, TWide.Load(row), s0);
                s1 = TWide.MultiplyAdd(factor, TWide.Load(row + w), s1);
                s2 = TWide.MultiplyAdd(factor, TWide.Load(row + 2 * w), s2);
                s3 = TWide.MultiplyAdd(factor, TWide.Load(row + 3 * w), s3);
            }
            TWide.Store(s0, c + j);
            TWide.Store(s1, c + j + w);
            TWide.Store(s2, c + j + 2 * w);
            TWide.Store(s3, c + j + 3 * w);
        }
        for (; j < m; j++)
        {
            var sum = start == null ? 0 : start[j];
            for (var d = 0; d < k; d++) sum = MathF.FusedMultiplyAdd(b[(nint)d * bStride], a[(nint)d * lda + j], sum);
            c[j] = sum;
        }
    }
}
