using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>Norms of a convolution's derivative by its weights, of each example alone; nothing of one example's is left when the next one's turn comes.</summary>
/// <remarks>
/// With U the unfolded input of an example (a row for each output pixel, taps · channels long) and D the derivative by its output, ∂w = Dᵀ·U. Where there are
/// few pixels, ‖∂w‖² = Σ (U·Uᵀ)∘(D·Dᵀ) takes fewer products, else ∂w itself is summed up in working memory (mixed ghost clipping: Bu, Mao and Xu 2022,
/// arXiv:2205.10683). Taking whichever is faster also takes the one that is smaller wherever it matters: for T pixels and p · d weights, T·(p + d) &lt; p·d
/// implies 2·T² &lt; p·d, the rule of the paper, which had to hold all examples at once.
/// </remarks>
internal static unsafe class ConvolutionNorms<TWide> where TWide : unmanaged, IWide<TWide>
{
    /// <summary>squares[e] += ‖∂w‖² of example e.</summary>
    /// <param name="s">Sizes; each example owns as many neighbouring images as the others.</param>
    /// <param name="examples">How many.</param>
    /// <param name="x">Shape [images, height, width, inputs].</param>
    /// <param name="dy">Shape [images, height, width, outputs].</param>
    /// <param name="squares">Shape [examples].</param>
    /// <param name="part">Which part of the examples, if they are shared.</param>
    /// <param name="parts">Parts into which they are cut.</param>
    public static void Add(in ConvolutionShape s, int examples, float* x, float* dy, double* squares, int part = 0, int parts = 1)
    {
        var own = s with { Images = s.Images / examples };
        var pixels = (nint)own.Images * s.Rows.Outputs * s.Columns.Outputs;
        var gram = IsGramLess(own);
        int first = (int)((long)examples * part / parts), end = (int)((long)examples * (part + 1) / parts);
        for (nint e = first; e < end; e++)
        {
            float* source = x + e * own.Images * s.InputImage, d = dy + e * own.Images * s.OutputImage;
            if (gram)
            {
                for (nint g = 0; g < s.Groups; g++) squares[e] += Gram(own, source + g * s.GroupInputs, d + g * s.GroupOutputs, (int)pixels);
                continue;
            }
            var sums = Convolution<TWide>.WeightSums(own, source, d, out var length);
            squares[e] += RowKernels<TWide>.Dot(sums, sums, length);
        }
    }

    /// <summary>Whether the products of the Gram form are fewer than those of the derivative itself.</summary>
    public static bool IsGramLess(in ConvolutionShape s)
    {
        double pixels = (double)s.Images * s.Rows.Outputs * s.Columns.Outputs, depth = (double)s.GroupInputs * s.Taps;
        return !s.IsDepthwise && pixels * (depth + s.GroupOutputs) < depth * s.GroupOutputs;
    }

    // Of one group, whose channels begin at x and dy.
    private static double Gram(in ConvolutionShape s, float* x, float* dy, int pixels)
    {
        int depth = s.GroupInputs * s.Taps;
        nint square = (nint)pixels * pixels;
        float* inputs = Scratch.OfThread.Work((2 * square) + ((nint)pixels * depth)), outputs = inputs + square, unfolded = outputs + square;
        Unfold(s, x, unfolded);
        Gemm<TWide>.Run(false, true, pixels, pixels, depth, unfolded, depth, unfolded, depth, inputs, pixels, null, 0);
        Gemm<TWide>.Run(false, true, pixels, pixels, s.GroupOutputs, dy, s.Outputs, dy, s.Outputs, outputs, pixels, null, 0);
        return GramNorm.Of(RowKernels<TWide>.Dot(inputs, outputs, square), RowKernels<TWide>.Dot(inputs, inputs, square), RowKernels<TWide>.Dot(outputs, outputs, square));
    }

    // unfolded[pixel, tap, channel] = what the tap reads for that pixel; zero beyond the edges.
    private static void Unfold(in ConvolutionShape s, float* x, float* unfolded)
    {
        var run = s.GroupInputs;
        for (nint n = 0; n < s.Images; n++, x += s.InputImage)
        {
            for (var pixel = 0; pixel < s.Rows.Outputs * s.Columns.Outputs; pixel++)
            {
                int top = pixel / s.Columns.Outputs * s.Rows.Stride - s.Rows.Padding, left = pixel % s.Columns.Outputs * s.Columns.Stride - s.Columns.Padding;
                for (var tap = 0; tap < s.Taps; tap++, unfolded += run)
                {
                    int row = top + tap / s.Columns.Taps * s.Rows.Dilation, column = left + tap % s.Columns.Taps * s.Columns.Dilation;
                    var inside = (uint)row < (uint)s.Rows.Size && (uint)column < (uint)s.Columns.Size;
                    if (inside) Buffer.MemoryCopy(x + ((nint)row * s.Columns.Size + column) * s.Inputs, unfolded, run * sizeof(float), run * sizeof(float));
                    else new Span<float>(unfolded, run).Clear();
                }
            }
        }
    }
}

/// <summary>A squared norm from two Gram matrices in single precision.</summary>
internal static class GramNorm
{
    // What single precision may take off a norm that is summed from signed products.
    private const double Error = 1e-6;

    /// <param name="product">Σ of the products of their elements.</param>
    /// <param name="first">‖·‖² of the one.</param>
    /// <param name="second">‖·‖² of the other.</param>
    /// <remarks>Terms of both signs may cancel, and a norm that came out too small would let an example weigh too much.</remarks>
    public static double Of(double product, double first, double second) => Math.Max(0, product) + Error * Math.Sqrt(first * second);

    /// <summary>The same of two different gradients, whose product may be below zero.</summary>
    /// <param name="product">Σ of the products of their elements.</param>
    /// <param name="first">‖·‖² of the one.</param>
    /// <param name="second">‖·‖² of the other.</param>
    public static double Signed(double product, double first, double second) => product + Error * Math.Sqrt(first * second);
}
