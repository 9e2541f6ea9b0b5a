using System.Runtime.CompilerServices;
using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>A convolution of few channels and the largest of each 2 × 2 of its outputs in one pass: the four never leave their registers.</summary>
/// <remarks>Each output is the same chain of fused multiply-adds as in <see cref="Convolution{TWide}"/>, so the bits are those of the two operations.</remarks>
internal static unsafe class PooledConvolution<TWide> where TWide : unmanaged, IWide<TWide>
{
    private static int Lanes => 2 * TWide.Count;

    /// <summary>Floats of the weights as <see cref="Run"/> reads them.</summary>
    public static nint Length(in PlainConvolution s) => (nint)s.Taps * s.Taps * s.Inputs * Wide(s);

    /// <param name="s">Sizes.</param>
    /// <param name="w">Shape [outputs, inputs, taps, taps].</param>
    /// <param name="packed">Shape [outputs/lanes, taps, taps, inputs, lanes]; what is missing of the outputs is zero.</param>
    public static void Pack(in PlainConvolution s, float* w, float* packed)
    {
        var area = (nint)s.Taps * s.Taps;
        for (var first = 0; first < s.Outputs; first += Lanes)
        {
            for (nint tap = 0; tap < area; tap++)
            {
                for (nint i = 0; i < s.Inputs; i++, packed += Lanes)
                {
                    for (nint j = 0; j < Lanes; j++) packed[j] = first + j < s.Outputs ? w[((first + j) * s.Inputs + i) * area + tap] : 0;
                }
            }
        }
    }

    /// <summary>y = the largest of each 2 × 2 of bias + w ∗ x, of one image.</summary>
    /// <param name="s">Sizes.</param>
    /// <param name="x">Shape [height, width, inputs].</param>
    /// <param name="packed">The weights, packed.</param>
    /// <param name="bias">Shape [outputs].</param>
    /// <param name="y">Shape [result height, result width, outputs].</param>
    public static void Run(in PlainConvolution s, float* x, float* packed, float* bias, float* y)
    {
        int height = s.Height + 2 * s.Padding, width = s.Width + 2 * s.Padding;
        nint line = (nint)width * s.Inputs, image = height * line;
        float* room = Scratch.OfThread.Work(image + Lanes), edge = Scratch.OfThread.Tile, source = x;
        if (s.Padding > 0)
        {
            source = room;
            ConvolutionPacking.Surround(x, s.Height, s.Width, s.Inputs, s.Padding, s.Padding, height, width, source);
        }
        var run = s.Taps * s.Inputs;
        for (var first = 0; first < s.Outputs; first += Lanes, packed += (nint)s.Taps * run * Lanes)
        {
            var there = Math.Min(Lanes, s.Outputs - first);
            var start = bias + first;
            if (there < Lanes)
            {
                for (var j = 0; j < Lanes; j++) edge[j] = j < there ? start[j] : 0;
                start = edge;
            }
            for (nint row = 0; row < s.ResultHeight; row++)
            {
                var from = source + 2 * row * line;
                var to = y + row * s.ResultWidth * s.Outputs + first;
                for (var column = 0; column < s.ResultWidth; column++, from += 2 * s.Inputs, to += s.Outputs)
                {
                    if (there == Lanes)
                    {
                        Window(from, line, s.Inputs, s.Taps, run, packed, start, to);
                        continue;
                    }
                    Window(from, line, s.Inputs, s.Taps, run, packed, start, edge + Lanes);
                    for (var j = 0; j < there; j++) to[j] = edge[Lanes + j];
                }
            }
        }
    }

    private static nint Wide(in PlainConvolution s) => (s.Outputs + Lanes - 1) / Lanes * Lanes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Window(float* x, nint line, nint pixel, int taps, int run, float* w, float* start, float* y)
    {
        var n = TWide.Count;
        TWide a0 = TWide.Load(start), a1 = TWide.Load(start + n), b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
        for (; taps > 0; taps--, x += line)
        {
            float* upper = x, lower = x + line;
            for (var r = 0; r < run; r++, upper++, lower++, w += 2 * n)
            {
                TWide w0 = TWide.Load(w), w1 = TWide.Load(w + n);
                var p = TWide.Create(*upper);
                a0 = TWide.MultiplyAdd(p, w0, a0);
                a1 = TWide.MultiplyAdd(p, w1, a1);
                p = TWide.Create(upper[pixel]);
                b0 = TWide.MultiplyAdd(p, w0, b0);
                b1 = TWide.MultiplyAdd(p, w1, b1);
                p = TWide.Create(*lower);
                c0 = TWide.MultiplyAdd(p, w0, c0);
                c1 = TWide.MultiplyAdd(p, w1, c1);
                p = TWide.Create(lower[pixel]);
                d0 = TWide.MultiplyAdd(p, w0, d0);
                d1 = TWide.MultiplyAdd(p, w1, d1);
            }
        }
        TWide.Store(TWide.Max(TWide.Max(a0, b0), TWide.Max(c0, d0)), y);
        TWide.Store(TWide.Max(TWide.Max(a1, b1), TWide.Max(c1, d1)), y + n);
    }
}
