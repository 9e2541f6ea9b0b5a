using System.Runtime.CompilerServices;
using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>Convolutions 3 × 3 with 16 products instead of 36 for each 2 × 2 outputs (Winograd 1980; Lavin and Gray 2016, arXiv:1509.09308, F(2×2, 3×3)).</summary>
/// <remarks>
/// Squares of 4 × 4 pixels, two apart, are turned into sixteen matrices [squares, inputs], each is multiplied by one that was made of the weights,
/// and the sixteen outcomes are turned back. Its rounding is that of a few more additions than the definition has; hence predictions only.
/// </remarks>
internal static unsafe class Winograd<TWide> where TWide : unmanaged, IWide<TWide>
{
    private const int Line = 16; // floats between two matrices, so that they do not meet in the same lines of the first cache

    /// <summary>Floats of the weights as <see cref="Run"/> reads them.</summary>
    public static nint Length(in PlainConvolution s) => (nint)16 * s.Inputs * s.Outputs;

    /// <summary>u = G·w·Gᵀ for each input and output.</summary>
    /// <param name="s">Sizes.</param>
    /// <param name="w">Shape [outputs, inputs, 3, 3].</param>
    /// <param name="u">Shape [16, inputs, outputs].</param>
    public static void Pack(in PlainConvolution s, float* w, float* u)
    {
        float* half = stackalloc float[12];
        var size = (nint)s.Inputs * s.Outputs;
        for (nint o = 0; o < s.Outputs; o++)
        {
            for (nint i = 0; i < s.Inputs; i++)
            {
                var g = w + (o * s.Inputs + i) * 9;
                for (var c = 0; c < 3; c++) (half[c], half[3 + c], half[6 + c], half[9 + c]) = Half(g[c], g[3 + c], g[6 + c]);
                var target = u + i * s.Outputs + o;
                for (var r = 0; r < 4; r++, target += 4 * size)
                    (target[0], target[size], target[2 * size], target[3 * size]) = Half(half[3 * r], half[3 * r + 1], half[3 * r + 2]);
            }
        }
    }

    /// <summary>y = bias + w ∗ x of one image, or the largest of each 2 × 2.</summary>
    /// <param name="s">Sizes.</param>
    /// <param name="x">Shape [height, width, inputs].</param>
    /// <param name="u">The weights, packed.</param>
    /// <param name="bias">Shape [outputs].</param>
    /// <param name="y">Shape [result height, result width, outputs].</param>
    public static void Run(in PlainConvolution s, float* x, float* u, float* bias, float* y)
    {
        int down = (s.ResultHeight + (s.Pools ? 0 : 1)) / (s.Pools ? 1 : 2), across = (s.ResultWidth + (s.Pools ? 0 : 1)) / (s.Pools ? 1 : 2);
        var squares = down * across;
        int height = Math.Max(2 * down + 2, s.Height + 2 * s.Padding), width = Math.Max(2 * across + 2, s.Width + 2 * s.Padding);
        nint image = (nint)height * width * s.Inputs, oneIn = (nint)squares * s.Inputs + Line, oneOut = (nint)squares * s.Outputs + Line;
        float* room = Scratch.OfThread.Work(image + 16 * (oneIn + oneOut)), turned = room + image, products = turned + 16 * oneIn;
        ConvolutionPacking.Surround(x, s.Height, s.Width, s.Inputs, s.Padding, s.Padding, height, width, room);
        for (nint t = 0; t < squares; t++)
        {
            var from = room + ((nint)(2 * (t / across)) * width + 2 * (t % across)) * s.Inputs;
            Turn(from, (nint)width * s.Inputs, s.Inputs, turned + t * s.Inputs, oneIn);
        }
        for (nint k = 0; k < 16; k++)
            Gemm<TWide>.Run(false, false, squares, s.Outputs, s.Inputs, turned + k * oneIn, s.Inputs, u + k * s.Inputs * s.Outputs, s.Outputs, products + k * oneOut, s.Outputs, null, 0);
        for (nint t = 0; t < squares; t++)
        {
            int row = (int)(t / across), column = (int)(t % across);
            if (s.Pools)
            {
                Largest(products + t * s.Outputs, oneOut, s.Outputs, bias, y + t * s.Outputs);
                continue;
            }
            var target = y + ((nint)(2 * row) * s.OutputWidth + 2 * column) * s.Outputs;
            Back(products + t * s.Outputs, oneOut, s.Outputs, bias, target, (nint)s.OutputWidth * s.Outputs, 2 * column + 1 < s.OutputWidth, 2 * row + 1 < s.OutputHeight);
        }
    }

    // G = [1 0 0; ½ ½ ½; ½ −½ ½; 0 0 1]
    private static (float, float, float, float) Half(float a, float b, float c) => (a, (a + b + c) / 2, (a - b + c) / 2, c);

    // v = Bᵀ·d·B for all channels of a square; Bᵀ = [1 0 −1 0; 0 1 1 0; 0 −1 1 0; 0 1 0 −1]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Turn(float* d, nint line, int channels, float* v, nint one)
    {
        var j = 0;
        for (; j + TWide.Count <= channels; j += TWide.Count) Turn<TWide>(d + j, line, channels, v + j, one);
        for (; j < channels; j++) Turn<WideScalar>(d + j, line, channels, v + j, one);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn<T>(float* d, nint line, nint pixel, float* v, nint one) where T : unmanaged, IWide<T>
    {
        TurnColumn<T>(d, line, out var a0, out var a1, out var a2, out var a3);
        TurnColumn<T>(d + pixel, line, out var b0, out var b1, out var b2, out var b3);
        TurnColumn<T>(d + 2 * pixel, line, out var c0, out var c1, out var c2, out var c3);
        TurnColumn<T>(d + 3 * pixel, line, out var e0, out var e1, out var e2, out var e3);
        TurnRow(a0, b0, c0, e0, v, one);
        TurnRow(a1, b1, c1, e1, v + 4 * one, one);
        TurnRow(a2, b2, c2, e2, v + 8 * one, one);
        TurnRow(a3, b3, c3, e3, v + 12 * one, one);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TurnColumn<T>(float* d, nint line, out T t0, out T t1, out T t2, out T t3) where T : unmanaged, IWide<T>
    {
        T d0 = T.Load(d), d1 = T.Load(d + line), d2 = T.Load(d + 2 * line), d3 = T.Load(d + 3 * line);
        (t0, t1, t2, t3) = (d0 - d2, d1 + d2, d2 - d1, d1 - d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TurnRow<T>(T a, T b, T c, T e, float* v, nint one) where T : unmanaged, IWide<T>
    {
        T.Store(a - c, v);
        T.Store(b + c, v + one);
        T.Store(c - b, v + 2 * one);
        T.Store(b - e, v + 3 * one);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Largest(float* m, nint one, int channels, float* bias, float* y)
    {
        var j = 0;
        for (; j + TWide.Count <= channels; j += TWide.Count) Largest<TWide>(m + j, one, bias + j, y + j);
        for (; j < channels; j++) Largest<WideScalar>(m + j, one, bias + j, y + j);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Largest<T>(float* m, nint one, float* bias, float* y) where T : unmanaged, IWide<T>
    {
        Square<T>(m, one, out var y00, out var y01, out var y10, out var y11);
        T.Store(T.Max(T.Max(y00, y01), T.Max(y10, y11)) + T.Load(bias), y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Back(float* m, nint one, int channels, float* bias, float* y, nint line, bool hasRight, bool hasLower)
    {
        var j = 0;
        for (; j + TWide.Count <= channels; j += TWide.Count) Back<TWide>(m + j, one, channels, bias + j, y + j, line, hasRight, hasLower);
        for (; j < channels; j++) Back<WideScalar>(m + j, one, channels, bias + j, y + j, line, hasRight, hasLower);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Back<T>(float* m, nint one, nint pixel, float* bias, float* y, nint line, bool hasRight, bool hasLower) where T : unmanaged, IWide<T>
    {
        Square<T>(m, one, out var y00, out var y01, out var y10, out var y11);
        var b = T.Load(bias);
        T.Store(y00 + b, y);
        if (hasRight) T.Store(y01 + b, y + pixel);
        if (hasLower) T.Store(y10 + b, y + line);
        if (hasRight && hasLower) T.Store(y11 + b, y + line + pixel);
    }

    // Aᵀ·m·A; Aᵀ = [1 1 1 0; 0 1 −1 −1]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Square<T>(float* m, nint one, out T y00, out T y01, out T y10, out T y11) where T : unmanaged, IWide<T>
    {
        BackColumn<T>(m, one, out var a0, out var a1);
        BackColumn<T>(m + one, one, out var b0, out var b1);
        BackColumn<T>(m + 2 * one, one, out var c0, out var c1);
        BackColumn<T>(m + 3 * one, one, out var e0, out var e1);
        (y00, y01, y10, y11) = (a0 + b0 + c0, b0 - c0 - e0, a1 + b1 + c1, b1 - c1 - e1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void BackColumn<T>(float* m, nint one, out T s0, out T s1) where T : unmanaged, IWide<T>
    {
        T m0 = T.Load(m), m1 = T.Load(m + 4 * one), m2 = T.Load(m + 8 * one), m3 = T.Load(m + 12 * one);
        (s0, s1) = (m0 + m1 + m2, m1 - m2 - m3);
    }
}
