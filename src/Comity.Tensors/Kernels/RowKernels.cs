using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>Kernels over the rows or columns of a matrix: sums, softmax, losses. Every sum runs in a fixed order.</summary>
internal static unsafe class RowKernels<TWide> where TWide : unmanaged, IWide<TWide>
{
    /// <summary>target[j] (+)= Σ_i x[i, j], rows in order, which are <paramref name="ld"/> floats apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ColumnSums(float* x, int rows, int columns, int ld, float* target, bool accumulate)
    {
        var w = TWide.Count;
        var j = 0;
        for (; j + 4 * w <= columns; j += 4 * w)
        {
            TWide s0 = TWide.Zero, s1 = TWide.Zero, s2 = TWide.Zero, s3 = TWide.Zero;
            if (accumulate) (s0, s1, s2, s3) = (TWide.Load(target + j), TWide.Load(target + j + w), TWide.Load(target + j + 2 * w), TWide.Load(target + j + 3 * w));
            var p = x + j;
            for (var i = 0; i < rows; i++, p += ld)
            {
                s0 += TWide.Load(p);
                s1 += TWide.Load(p + w);
                s2 += TWide.Load(p + 2 * w);
                s3 += TWide.Load(p + 3 * w);
            }
            TWide.Store(s0, target + j);
            TWide.Store(s1, target + j + w);
            TWide.Store(s2, target + j + 2 * w);
            TWide.Store(s3, target + j + 3 * w);
        }
        for (; j < columns; j++)
        {
            var sum = accumulate ? target[j] : 0;
            for (var i = 0; i < rows; i++) sum += x[(nint)i * ld + j];
            target[j] = sum;
        }
    }

    /// <summary>Σ x·y in registers, then lanes, then the tail; partial sums of 4096 elements are added in double precision.</summary>
    public static double Dot(float* x, float* y, nint n)
    {
        const int Block = 4096;
        var total = 0.0;
        for (nint i = 0; i < n; i += Block) total += GemmColumn<TWide>.Dot(x + i, y + i, (int)Math.Min(Block, n - i));
        return total;
    }

    /// <summary>Σ x over rows in order, in double precision.</summary>
    public static double Sum(float* x, nint n)
    {
        var total = 0.0;
        for (nint i = 0; i < n; i++) total += x[i];
        return total;
    }

    /// <summary>y = softmax of each row of x; the same memory is allowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Softmax(float* x, float* y, int rows, int columns)
    {
        for (var i = 0; i < rows; i++, x += columns, y += columns)
        {
            var largest = Largest(x, columns);
            Elementwise<TWide>.Map(new ShiftedExp(largest), x, y, columns);
            var scale = 1 / Total(y, columns);
            Elementwise<TWide>.Map(new Operators<TWide>.Affine(scale, 0), y, y, columns);
        }
    }

    /// <summary>p = softmax of each row, and each row's log Σ eˣ, shape [rows].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SoftmaxAndLogSum(float* x, float* p, float* logSum, int rows, int columns)
    {
        for (var i = 0; i < rows; i++, x += columns, p += columns)
        {
            var largest = Largest(x, columns);
            Elementwise<TWide>.Map(new ShiftedExp(largest), x, p, columns);
            var sum = Total(p, columns);
            Elementwise<TWide>.Map(new Operators<TWide>.Affine(1 / sum, 0), p, p, columns);
            logSum[i] = WideMath<WideScalar>.Log(WideScalar.Create(sum)).ToSingle() + largest;
        }
    }

    /// <summary>Cross-entropy of a sigmoid and targets in [0, 1] by row, and its derivative: loss = w·(max(z,0) − z·t + ln(1 + e^−|z|)), derivative = w·(σ(z) − t).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    public static void SigmoidCrossEntropy(float* z, float* target, float* weight, float* loss, float* derivative, int rows)
    {
        var w = TWide.Count;
        var i = 0;
        for (; i + w <= rows; i += w) One(z + i, target + i, weight + i, loss + i, derivative + i);
        if (i == rows) return;
        float* pz = stackalloc float[16], pt = stackalloc float[16], pw = stackalloc float[16], pl = stackalloc float[16], pd = stackalloc float[16];
        TWide.Store(TWide.Zero, pz);
        TWide.Store(TWide.Zero, pt);
        TWide.Store(TWide.Zero, pw);
        for (var j = i; j < rows; j++) (pz[j - i], pt[j - i], pw[j - i]) = (z[j], target[j], weight[j]);
        One(pz, pt, pw, pl, pd);
        for (var j = i; j < rows; j++) (loss[j], derivative[j]) = (pl[j - i], pd[j - i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void One(float* z, float* target, float* weight, float* loss, float* derivative)
    {
        TWide x = TWide.Load(z), t = TWide.Load(target), w = TWide.Load(weight), one = TWide.Create(1);
        var e = WideMath<TWide>.Exp(TWide.Zero - TWide.Abs(x)); // never overflows
        var positive = TWide.GreaterThan(x, TWide.Zero);
        var inverse = one / (one + e);
        var sigma = TWide.Select(positive, inverse, e * inverse);
        // ln(1 + e) = ln(u)·e/(u − 1) with u = 1 + e as rounded: what rounding took from e, the quotient gives back (Kahan; Goldberg 1991, Theorem 4).
        var u = one + e;
        var rounded = u - one;
        var log = TWide.Select(TWide.GreaterThan(rounded, TWide.Zero), WideMath<TWide>.Log(u) * (e / rounded), e);
        TWide.Store(w * (TWide.Max(TWide.Zero, x) - x * t + log), loss);
        TWide.Store(w * (sigma - t), derivative);
    }

    /// <summary>Largest of n values, at least 1 of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Largest(float* x, int n)
    {
        var i = 0;
        var largest = float.NegativeInfinity;
        if (n >= TWide.Count)
        {
            var m = TWide.Load(x);
            for (i = TWide.Count; i + TWide.Count <= n; i += TWide.Count) m = TWide.Max(m, TWide.Load(x + i));
            largest = TWide.MaxLane(m);
        }
        for (; i < n; i++) largest = MathF.Max(largest, x[i]);
        return largest;
    }

    /// <summary>Σ of n values in single precision: registers, then lanes, then the tail.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Total(float* x, int n)
    {
        var i = 0;
        var s = TWide.Zero;
        for (; i + TWide.Count <= n; i += TWide.Count) s += TWide.Load(x + i);
        var total = TWide.Sum(s);
        for (; i < n; i++) total += x[i];
        return total;
    }

    private readonly struct ShiftedExp(float shift) : IUnary<TWide>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TWide Apply(TWide x) => WideMath<TWide>.Exp(x - TWide.Create(shift));
    }
}
