using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>Batch normalisation of the columns of a matrix; the columns are the vector side, and rows are summed in order.</summary>
internal static unsafe class ColumnNormKernels<TWide> where TWide : unmanaged, IWide<TWide>
{
    /// <summary>squares[j] = Σ (x[i, j] − mean[j])².</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Squares(float* x, float* mean, int rows, int columns, float* squares)
    {
        var j = 0;
        for (; j + 4 * TWide.Count <= columns; j += 4 * TWide.Count) Squares4(x + j, mean + j, rows, columns, squares + j);
        for (; j + TWide.Count <= columns; j += TWide.Count) Squares1<TWide>(x + j, mean + j, rows, columns, squares + j);
        for (; j < columns; j++) Squares1<WideScalar>(x + j, mean + j, rows, columns, squares + j);
    }

    /// <summary>y[i, j] = (x[i, j] − mean[j])·factor[j] + shift[j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* x, float* mean, float* factor, float* shift, float* y, int rows, int columns)
    {
        for (var i = 0; i < rows; i++, x += columns, y += columns)
        {
            var j = 0;
            for (; j + TWide.Count <= columns; j += TWide.Count)
                TWide.Store(TWide.MultiplyAdd(TWide.Load(x + j) - TWide.Load(mean + j), TWide.Load(factor + j), TWide.Load(shift + j)), y + j);
            for (; j < columns; j++) y[j] = MathF.FusedMultiplyAdd(x[j] - mean[j], factor[j], shift[j]);
        }
    }

    /// <summary>sums[j] = Σ g[i, j] and products[j] = Σ g[i, j]·(x[i, j] − mean[j]).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sums(float* g, float* x, float* mean, int rows, int columns, float* sums, float* products)
    {
        var j = 0;
        for (; j + 2 * TWide.Count <= columns; j += 2 * TWide.Count) Sums2(g + j, x + j, mean + j, rows, columns, sums + j, products + j);
        for (; j + TWide.Count <= columns; j += TWide.Count) Sums1<TWide>(g + j, x + j, mean + j, rows, columns, sums + j, products + j);
        for (; j < columns; j++) Sums1<WideScalar>(g + j, x + j, mean + j, rows, columns, sums + j, products + j);
    }

    /// <summary>dx[i, j] (+)= g[i, j]·factor[j] + (x[i, j] − mean[j])·along[j] + level[j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rule(float* g, float* x, float* mean, float* factor, float* along, float* level, float* dx, int rows, int columns, bool accumulate)
    {
        for (var i = 0; i < rows; i++, g += columns, x += columns, dx += columns)
        {
            var j = 0;
            for (; j + TWide.Count <= columns; j += TWide.Count)
            {
                var value = TWide.MultiplyAdd(TWide.Load(x + j) - TWide.Load(mean + j), TWide.Load(along + j), TWide.Load(level + j));
                value = TWide.MultiplyAdd(TWide.Load(g + j), TWide.Load(factor + j), value);
                TWide.Store(accumulate ? TWide.Load(dx + j) + value : value, dx + j);
            }
            for (; j < columns; j++)
            {
                var value = MathF.FusedMultiplyAdd(g[j], factor[j], MathF.FusedMultiplyAdd(x[j] - mean[j], along[j], level[j]));
                dx[j] = accumulate ? dx[j] + value : value;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Squares4(float* x, float* mean, int rows, int columns, float* squares)
    {
        var w = TWide.Count;
        TWide m0 = TWide.Load(mean), m1 = TWide.Load(mean + w), m2 = TWide.Load(mean + 2 * w), m3 = TWide.Load(mean + 3 * w);
        TWide s0 = TWide.Zero, s1 = TWide.Zero, s2 = TWide.Zero, s3 = TWide.Zero;
        for (var i = 0; i < rows; i++, x += columns)
        {
            TWide d0 = TWide.Load(x) - m0, d1 = TWide.Load(x + w) - m1, d2 = TWide.Load(x + 2 * w) - m2, d3 = TWide.Load(x + 3 * w) - m3;
            s0 = TWide.MultiplyAdd(d0, d0, s0);
            s1 = TWide.MultiplyAdd(d1, d1, s1);
            s2 = TWide.MultiplyAdd(d2, d2, s2);
            s3 = TWide.MultiplyAdd(d3, d3, s3);
        }
        TWide.Store(s0, squares);
        TWide.Store(s1, squares + w);
        TWide.Store(s2, squares + 2 * w);
        TWide.Store(s3, squares + 3 * w);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Squares1<T>(float* x, float* mean, int rows, int columns, float* squares) where T : unmanaged, IWide<T>
    {
        T m = T.Load(mean), s = T.Zero;
        for (var i = 0; i < rows; i++, x += columns)
        {
            var d = T.Load(x) - m;
            s = T.MultiplyAdd(d, d, s);
        }
        T.Store(s, squares);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sums2(float* g, float* x, float* mean, int rows, int columns, float* sums, float* products)
    {
        var w = TWide.Count;
        TWide m0 = TWide.Load(mean), m1 = TWide.Load(mean + w), s0 = TWide.Zero, s1 = TWide.Zero, p0 = TWide.Zero, p1 = TWide.Zero;
        for (var i = 0; i < rows; i++, g += columns, x += columns)
        {
            TWide g0 = TWide.Load(g), g1 = TWide.Load(g + w);
            s0 += g0;
            s1 += g1;
            p0 = TWide.MultiplyAdd(g0, TWide.Load(x) - m0, p0);
            p1 = TWide.MultiplyAdd(g1, TWide.Load(x + w) - m1, p1);
        }
        TWide.Store(s0, sums);
        TWide.Store(s1, sums + w);
        TWide.Store(p0, products);
        TWide.Store(p1, products + w);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Sums1<T>(float* g, float* x, float* mean, int rows, int columns, float* sums, float* products) where T : unmanaged, IWide<T>
    {
        T m = T.Load(mean), s = T.Zero, p = T.Zero;
        for (var i = 0; i < rows; i++, g += columns, x += columns)
        {
            var d = T.Load(g);
            s += d;
            p = T.MultiplyAdd(d, T.Load(x) - m, p);
        }
        T.Store(s, sums);
        T.Store(p, products);
    }
}
