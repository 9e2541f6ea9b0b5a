using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>The product of one row with a matrix stored in bf16, as a model judges one record: half the bytes pass through the caches that bound its speed.</summary>
/// <remarks>
/// Columns stand in panels of eight registers, the rest in panels of two; within a panel the depth runs slowest, and a word pairs the same lane
/// of two neighbouring registers. Widened, a bf16 is a float, and each sum is the same chain as in <see cref="GemmRow{TWide}"/>.
/// </remarks>
internal static unsafe class HalfRow<TWide> where TWide : unmanaged, IWide<TWide>
{
    /// <summary>Words of the panels of a matrix [k, n].</summary>
    public static int Words(int k, int n)
    {
        int w = TWide.Count, whole = n / (8 * w), pairs = (n - whole * 8 * w + 2 * w - 1) / (2 * w);
        return checked(k * w * (4 * whole + pairs));
    }

    /// <param name="k">Rows of B.</param>
    /// <param name="n">Columns of B.</param>
    /// <param name="b">B, row-major; rounded to bf16.</param>
    /// <param name="panels">Where the panels go.</param>
    public static void Pack(int k, int n, float* b, uint* panels)
    {
        var w = TWide.Count;
        for (var j = 0; j < n;)
        {
            var pairs = j + 8 * w <= n ? 4 : 1;
            for (nint d = 0; d < k; d++)
            {
                for (var p = 0; p < pairs; p++)
                {
                    for (var lane = 0; lane < w; lane++)
                    {
                        int lower = j + 2 * p * w + lane, upper = lower + w;
                        *panels++ = At(b + d * n, lower, n) | (uint)At(b + d * n, upper, n) << 16;
                    }
                }
            }
            j += 2 * pairs * w;
        }
    }

    /// <summary>c[j] = start[j] + Σ a[d]·b[d, j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(int k, int n, float* a, uint* panels, float* c, float* start)
    {
        var w = TWide.Count;
        var j = 0;
        for (; j + 8 * w <= n; j += 8 * w, panels += (nint)4 * w * k) Eight(k, a, panels, c + j, start == null ? null : start + j);
        var tile = stackalloc float[2 * w];
        for (; j < n; j += 2 * w, panels += (nint)w * k)
        {
            var columns = Math.Min(2 * w, n - j);
            for (var i = 0; i < 2 * w; i++) tile[i] = start == null || i >= columns ? 0 : start[j + i];
            Two(k, a, panels, tile);
            for (var i = 0; i < columns; i++) c[j + i] = tile[i];
        }
    }

    private static ushort At(float* row, int column, int n) => column < n ? Bfloat16.Round(row[column]) : (ushort)0;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Eight(int k, float* a, uint* b, float* c, float* start)
    {
        var w = TWide.Count;
        TWide s0 = TWide.Zero, s1 = TWide.Zero, s2 = TWide.Zero, s3 = TWide.Zero, s4 = TWide.Zero, s5 = TWide.Zero, s6 = TWide.Zero, s7 = TWide.Zero;
        if (start != null)
        {
            (s0, s1, s2, s3) = (TWide.Load(start), TWide.Load(start + w), TWide.Load(start + 2 * w), TWide.Load(start + 3 * w));
            (s4, s5, s6, s7) = (TWide.Load(start + 4 * w), TWide.Load(start + 5 * w), TWide.Load(start + 6 * w), TWide.Load(start + 7 * w));
        }
        for (; k > 0; k--, a++, b += 4 * w)
        {
            var x = TWide.Create(*a);
            s0 = TWide.MultiplyAdd(x, TWide.LoadPairs(b, out var upper), s0);
            s1 = TWide.MultiplyAdd(x, upper, s1);
            s2 = TWide.MultiplyAdd(x, TWide.LoadPairs(b + w, out upper), s2);
            s3 = TWide.MultiplyAdd(x, upper, s3);
            s4 = TWide.MultiplyAdd(x, TWide.LoadPairs(b + 2 * w, out upper), s4);
            s5 = TWide.MultiplyAdd(x, upper, s5);
            s6 = TWide.MultiplyAdd(x, TWide.LoadPairs(b + 3 * w, out upper), s6);
            s7 = TWide.MultiplyAdd(x, upper, s7);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two(int k, float* a, uint* b, float* c)
    {
        var w = TWide.Count;
        TWide s0 = TWide.Load(c), s1 = TWide.Load(c + w);
        for (; k > 0; k--, a++, b += w)
        {
            var x = TWide.Create(*a);
            s0 = TWide.MultiplyAdd(x, TWide.LoadPairs(b, out var upper), s0);
            s1 = TWide.MultiplyAdd(x, upper, s1);
        }
        TWide.Store(s0, c);
        TWide.Store(s1, c + w);
    }
}
