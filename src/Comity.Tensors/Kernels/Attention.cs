using System.Runtime.CompilerServices;
using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>softmax(Q·Kᵀ/√d)·V for every sequence and head, and its derivative.</summary>
/// <remarks>
/// Queries go in blocks, so that the scores of a block stay in the cache and are never written out; the derivative computes them again
/// from the logarithm of each row's sum (Dao et al. 2022, arXiv:2205.14135). Keys that a mask hides are not computed, except within the
/// diagonal block. Padding has no output and no gradient.
/// <code>
/// copies of one head:  Q/√d, turned   K, turned   Kᵀ   V   (Vᵀ and ∂O for the derivative)
/// a block of queries:  S = Q·Kᵀ → P = e^(S − max) → O = P·V / Σ P
/// </code>
/// </remarks>
internal static unsafe class Attention<TWide> where TWide : unmanaged, IWide<TWide>
{
    private const int Block = 32;
    private const int Lanes = 16; // rows of scores are padded to the widest register

    public static void Run(in AttentionShape shape, float* qkv, float* output, float* logSums)
    {
        int d = shape.HeadWidth, steps = shape.Steps, pitch = Padded(steps);
        var whole = (nint)Padded(d) * pitch;
        var memory = Scratch.OfThread.Work(4 * whole + Block * pitch + Block);
        float* q = memory, k = q + whole, v = k + whole, kt = v + whole, s = kt + whole, totals = s + Block * pitch;
        for (var b = 0; b < shape.Batch; b++)
        {
            var length = shape.LengthOf(b);
            for (var h = 0; h < shape.Heads; h++)
            {
                var source = qkv + (nint)b * steps * 3 * shape.Width + h * d;
                var target = output + (nint)b * steps * shape.Width + h * d;
                var sums = logSums + ((nint)b * shape.Heads + h) * steps;
                Load(shape, source, length, q, k, v);
                GemmPacking.Columns(k, d, length, d, kt, pitch);
                for (var first = 0; first < length; first += Block)
                {
                    var rows = Math.Min(Block, length - first);
                    var keys = shape.Causal ? first + rows : length;
                    Gemm<TWide>.Run(false, false, rows, keys, d, q + (nint)first * d, d, kt, pitch, s, pitch, null, 0);
                    for (var i = 0; i < rows; i++) sums[first + i] = Exponentials(s + (nint)i * pitch, shape.Causal ? first + i + 1 : length, Padded(keys), totals + i);
                    var o = target + (nint)first * shape.Width;
                    Gemm<TWide>.Run(false, false, rows, d, keys, s, pitch, v, d, o, shape.Width, null, 0);
                    Divide(o, shape.Width, rows, d, totals);
                    // The logarithm is taken last, so that the quotient is that of the sums.
                    Elementwise<TWide>.Map(default(Operators<TWide>.Log), totals, totals, rows);
                    for (var i = 0; i < rows; i++) sums[first + i] += totals[i];
                }
                for (var i = length; i < steps; i++) new Span<float>(target + (nint)i * shape.Width, d).Clear();
            }
        }
    }

    /// <param name="shape">The shape.</param>
    /// <param name="qkv">What the attention read.</param>
    /// <param name="output">What it gave.</param>
    /// <param name="logSums">ln Σ e^s of each row, shape [batch, heads, steps].</param>
    /// <param name="gradient">∂L/∂output.</param>
    /// <param name="target">∂L/∂qkv.</param>
    /// <param name="accumulate">Whether it is added to what is there.</param>
    public static void Rule(in AttentionShape shape, float* qkv, float* output, float* logSums, float* gradient, float* target, bool accumulate)
    {
        int d = shape.HeadWidth, steps = shape.Steps, pitch = Padded(steps), ld = 3 * shape.Width;
        var whole = (nint)Padded(d) * pitch;
        var memory = Scratch.OfThread.Work(9 * whole + 2 * Block * pitch);
        float* q = memory, k = q + whole, v = k + whole, kt = v + whole, vt = kt + whole, g = vt + whole;
        float* dq = g + whole, dk = dq + whole, dv = dk + whole, s = dv + whole, ds = s + Block * pitch;
        for (var b = 0; b < shape.Batch; b++)
        {
            var length = shape.LengthOf(b);
            for (var h = 0; h < shape.Heads; h++)
            {
                var source = qkv + (nint)b * steps * ld + h * d;
                var o = output + (nint)b * steps * shape.Width + h * d;
                var arrived = gradient + (nint)b * steps * shape.Width + h * d;
                var sums = logSums + ((nint)b * shape.Heads + h) * steps;
                Load(shape, source, length, q, k, v);
                GemmPacking.Columns(k, d, length, d, kt, pitch);
                GemmPacking.Columns(v, d, length, d, vt, pitch);
                Copy(arrived, shape.Width, length, d, g);
                // From the last block on: with a causal mask it is the one that reaches every key, and so begins the sums.
                for (var first = (length - 1) / Block * Block; first >= 0; first -= Block)
                {
                    var rows = Math.Min(Block, length - first);
                    var keys = shape.Causal ? first + rows : length;
                    var begins = first + rows == length;
                    Gemm<TWide>.Run(false, false, rows, keys, d, q + (nint)first * d, d, kt, pitch, s, pitch, null, 0);
                    Gemm<TWide>.Run(false, false, rows, keys, d, g + (nint)first * d, d, vt, pitch, ds, pitch, null, 0);
                    for (var i = 0; i < rows; i++)
                    {
                        var step = (nint)first + i;
                        var delta = (float)RowKernels<TWide>.Dot(g + step * d, o + step * shape.Width, d);
                        ScoreRule(s + (nint)i * pitch, ds + (nint)i * pitch, shape.Causal ? (int)step + 1 : length, Padded(keys), sums[step], delta);
                    }
                    Gemm<TWide>.Run(true, false, keys, d, rows, s, pitch, g + (nint)first * d, d, dv, d, begins ? null : dv, d);
                    Gemm<TWide>.Run(true, false, keys, d, rows, ds, pitch, q + (nint)first * d, d, dk, d, begins ? null : dk, d);
                    Gemm<TWide>.Run(false, false, rows, d, keys, ds, pitch, k, d, dq + (nint)first * d, d, null, 0);
                }
                Store(shape, dq, dk, dv, length, target + (nint)b * steps * ld + h * d, accumulate);
            }
        }
    }

    // Rows of a head side by side; the queries carry 1/√d.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Load(in AttentionShape shape, float* source, int length, float* q, float* k, float* v)
    {
        int d = shape.HeadWidth, ld = 3 * shape.Width, width = shape.Width;
        var scale = (float)(1 / Math.Sqrt(d));
        var scales = TWide.Create(scale);
        for (nint t = 0; t < length; t++, source += ld, q += d, k += d, v += d)
        {
            var j = 0;
            for (; j + TWide.Count <= d; j += TWide.Count)
            {
                TWide.Store(scales * TWide.Load(source + j), q + j);
                TWide.Store(TWide.Load(source + width + j), k + j);
                TWide.Store(TWide.Load(source + 2 * width + j), v + j);
            }
            for (; j < d; j++) (q[j], k[j], v[j]) = (scale * source[j], source[width + j], source[2 * width + j]);
            if (shape.Turns == null) continue;
            Turn(q, shape.Turns + t * d, d, 1);
            Turn(k, shape.Turns + t * d, d, 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store(in AttentionShape shape, float* dq, float* dk, float* dv, int length, float* target, bool accumulate)
    {
        int d = shape.HeadWidth, ld = 3 * shape.Width, width = shape.Width;
        var scale = (float)(1 / Math.Sqrt(d));
        var scales = TWide.Create(scale);
        for (nint t = 0; t < length; t++, target += ld, dq += d, dk += d, dv += d)
        {
            if (shape.Turns != null)
            {
                // A turn's derivative turns back.
                Turn(dq, shape.Turns + t * d, d, -1);
                Turn(dk, shape.Turns + t * d, d, -1);
            }
            var j = 0;
            for (; j + TWide.Count <= d; j += TWide.Count)
            {
                float* a = target + j, b = a + width, c = b + width;
                TWide x = scales * TWide.Load(dq + j), y = TWide.Load(dk + j), z = TWide.Load(dv + j);
                TWide.Store(accumulate ? TWide.Load(a) + x : x, a);
                TWide.Store(accumulate ? TWide.Load(b) + y : y, b);
                TWide.Store(accumulate ? TWide.Load(c) + z : z, c);
            }
            for (; j < d; j++)
            {
                float* a = target + j, b = a + width, c = b + width;
                var x = scale * dq[j];
                (*a, *b, *c) = accumulate ? (*a + x, *b + dk[j], *c + dv[j]) : (x, dk[j], dv[j]);
            }
        }
        if (accumulate) return;
        for (nint t = length; t < shape.Steps; t++, target += ld)
        {
            for (var part = 0; part < 3; part++) new Span<float>(target + part * width, d).Clear();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(float* source, int ld, int rows, int n, float* target)
    {
        for (nint i = 0; i < rows; i++, source += ld, target += n)
        {
            var j = 0;
            for (; j + TWide.Count <= n; j += TWide.Count) TWide.Store(TWide.Load(source + j), target + j);
            for (; j < n; j++) target[j] = source[j];
        }
    }

    /// <summary>Turns the pairs (x[j], x[j + d/2]) by the angles whose cosines and sines are given (Su et al. 2021, arXiv:2104.09864); −1: back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Turn(float* x, float* turns, int d, float direction)
    {
        var half = d / 2;
        var j = 0;
        var towards = TWide.Create(direction);
        for (; j + TWide.Count <= half; j += TWide.Count)
        {
            TWide c = TWide.Load(turns + j), s = towards * TWide.Load(turns + half + j), a = TWide.Load(x + j), b = TWide.Load(x + half + j);
            TWide.Store(TWide.MultiplySubtractFrom(b, s, a * c), x + j);
            TWide.Store(TWide.MultiplyAdd(a, s, b * c), x + half + j);
        }
        for (; j < half; j++)
        {
            float c = turns[j], s = direction * turns[half + j], a = x[j], b = x[half + j];
            x[j] = MathF.FusedMultiplyAdd(-b, s, a * c);
            x[half + j] = MathF.FusedMultiplyAdd(a, s, b * c);
        }
    }

    // e^(s − max) of the visible scores, zero after them up to the padded width; gives the largest, and the total.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Exponentials(float* s, int visible, int padded, float* total)
    {
        var n = TWide.Count;
        var end = (visible + n - 1) / n * n;
        for (var j = visible; j < end; j++) s[j] = float.NegativeInfinity;
        var most = TWide.Load(s);
        for (var j = n; j < end; j += n) most = TWide.Max(most, TWide.Load(s + j));
        var largest = TWide.MaxLane(most);
        TWide shift = TWide.Create(largest), sum = TWide.Zero;
        for (var j = 0; j < end; j += n)
        {
            var e = WideMath<TWide>.Exp(TWide.Load(s + j) - shift);
            TWide.Store(e, s + j);
            sum += e;
        }
        for (var j = end; j < padded; j += n) TWide.Store(TWide.Zero, s + j);
        *total = TWide.Sum(sum);
        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Divide(float* x, int ld, int rows, int n, float* totals)
    {
        for (var i = 0; i < rows; i++, x += ld)
        {
            var factor = 1 / totals[i];
            var factors = TWide.Create(factor);
            var j = 0;
            for (; j + TWide.Count <= n; j += TWide.Count) TWide.Store(factors * TWide.Load(x + j), x + j);
            for (; j < n; j++) x[j] *= factor;
        }
    }

    // P = e^(s − logSum) and ∂s = P·(∂P − δ), zero where nothing is visible.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScoreRule(float* s, float* ds, int visible, int padded, float logSum, float delta)
    {
        var n = TWide.Count;
        var end = (visible + n - 1) / n * n;
        for (var j = visible; j < end; j++) (s[j], ds[j]) = (float.NegativeInfinity, 0);
        TWide shift = TWide.Create(logSum), level = TWide.Create(delta);
        for (var j = 0; j < end; j += n)
        {
            var p = WideMath<TWide>.Exp(TWide.Load(s + j) - shift);
            TWide.Store(p, s + j);
            TWide.Store(p * (TWide.Load(ds + j) - level), ds + j);
        }
        for (var j = end; j < padded; j += n)
        {
            TWide.Store(TWide.Zero, s + j);
            TWide.Store(TWide.Zero, ds + j);
        }
    }

    private static int Padded(int n) => (n + Lanes - 1) / Lanes * Lanes;
}
