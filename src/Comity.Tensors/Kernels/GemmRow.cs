using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>The matrix product with a single row, as a model judges one record: nothing is read twice, so the columns of B stream past eight registers at a time.</summary>
internal static unsafe class GemmRow<TWide> where TWide : unmanaged, IWide<TWide>
{
    /// <summary>c[j] = start[j] + Σ a[d]·b[d, j], each a chain in the order of d, as in tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(int n, int k, float* a, nint aDepth, float* b, nint ldb, float* c, float* start)
    {
        var w = TWide.Count;
        var j = 0;
        for (; j + 8 * w <= n; j += 8 * w) Eight(k, a, aDepth, b + j, ldb, c + j, start == null ? null : start + j);
        for (; j + w <= n; j += w)
        {
            var sum = start == null ? TWide.Zero : TWide.Load(start + j);
            float* x = a, row = b + j;
            for (var d = 0; d < k; d++, x += aDepth, row += ldb) sum = TWide.MultiplyAdd(TWide.Create(*x), TWide.Load(row), sum);
            TWide.Store(sum, c + j);
        }
        for (; j < n; j++)
        {
            var sum = start == null ? 0 : start[j];
            for (nint d = 0; d < k; d++) sum = MathF.FusedMultiplyAdd(a[d * aDepth], b[d * ldb + j], sum);
            c[j] = sum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Eight(int k, float* a, nint aDepth, float* b, nint ldb, float* c, float* start)
    {
        var w = TWide.Count;
        TWide s0 = TWide.Zero, s1 = TWide.Zero, s2 = TWide.Zero, s3 = TWide.Zero, s4 = TWide.Zero, s5 = TWide.Zero, s6 = TWide.Zero, s7 = TWide.Zero;
        if (start != null)
        {
            (s0, s1, s2, s3) = (TWide.Load(start), TWide.Load(start + w), TWide.Load(start + 2 * w), TWide.Load(start + 3 * w));
            (s4, s5, s6, s7) = (TWide.Load(start + 4 * w), TWide.Load(start + 5 * w), TWide.Load(start + 6 * w), TWide.Load(start + 7 * w));
        }
        for (; k > 0; k--, a += aDepth, b += ldb)
        {
            var x = TWide.Create(*a);
            s0 = TWide.MultiplyAdd(x, TWide.Load(b), s0);
            s1 = TWide.MultiplyAdd(x, TWide.Load(b + w), s1);
            s2 = TWide.MultiplyAdd(x, TWide.Load(b + 2 * w), s2);
            s3 = TWide.MultiplyAdd(x, TWide.Load(b + 3 * w), s3);
            s4 = TWide.MultiplyAdd(x, TWide.Load(b + 4 * w), s4);
            s5 = TWide.MultiplyAdd(x, TWide.Load(b + 5 * w), s5);
            s6 = TWide.MultiplyAdd(x, TWide.Load(b + 6 * w), s6);
            s7 = TWide.MultiplyAdd(x, TWide.Load(b + 7 * w), s7);
        }
        TWide.Store(s0, c);
        TWide.Store(s1, c + w);
        TWide.Store(s2, c + 2 * w);
        TWide.Store(s3, c + 3 * w);
        TWide.Store(s4, c + 4 * w);
        TWide.Store(s5, c + 5 * w);
        TWide.Store(s6, c + 6 * w);
        TWide.Store(s7, c + 7 * w);
    }
}
