using Comity.Tensors.Differentiation;
using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>Norms of the derivative Xᵀ·D of a product by its weights, of each example alone.</summary>
/// <remarks>
/// One row: ‖x‖²·‖d‖². Several: Σ (X·Xᵀ)∘(D·Dᵀ), or the product itself where that takes less (mixed ghost clipping: Bu, Mao and Xu 2022, arXiv:2205.10683). Less
/// work is less memory too: T·(p + d) &lt; p·d implies 2·T² &lt; p·d.
/// </remarks>
internal static unsafe class ProductNorms<TWide> where TWide : unmanaged, IWide<TWide>
{
    /// <summary>squares[e] += ‖Xᵀ·D‖² over the rows of example e.</summary>
    /// <param name="s">Sizes, and whose the rows are.</param>
    /// <param name="x">Shape [rows, inputs].</param>
    /// <param name="d">Shape [rows, outputs].</param>
    /// <param name="squares">Shape [examples].</param>
    /// <param name="part">Which part of the examples, if they are shared.</param>
    /// <param name="parts">Parts into which they are cut.</param>
    public static void Add(in ProductNormsShape s, float* x, float* d, double* squares, int part, int parts)
    {
        int first = (int)((long)s.Examples * part / parts), end = (int)((long)s.Examples * (part + 1) / parts);
        for (var e = first; e < end; e++)
        {
            var own = s.Owners.Of(s.Rows, s.Examples, e);
            if (own.Count > 0) squares[e] += Of(s, x + own.First * s.Inputs, d + own.First * s.Outputs, own.Count, own.Step);
        }
    }

    private static double Of(in ProductNormsShape s, float* x, float* d, int rows, int step)
    {
        int inputs = s.Inputs, outputs = s.Outputs;
        if (rows == 1) return RowKernels<TWide>.Dot(x, x, inputs) * RowKernels<TWide>.Dot(d, d, outputs);
        if ((double)rows * (inputs + outputs) >= (double)inputs * outputs)
        {
            var product = Scratch.OfThread.Work((nint)inputs * outputs);
            Gemm<TWide>.Run(true, false, inputs, outputs, rows, x, step * inputs, d, step * outputs, product, outputs, null, 0);
            return RowKernels<TWide>.Dot(product, product, (nint)inputs * outputs);
        }
        var n = (nint)rows * rows;
        float* first = Scratch.OfThread.Work(2 * n), second = first + n;
        Gemm<TWide>.Run(false, true, rows, rows, inputs, x, step * inputs, x, step * inputs, first, rows, null, 0);
        Gemm<TWide>.Run(false, true, rows, rows, outputs, d, step * outputs, d, step * outputs, second, rows, null, 0);
        return GramNorm.Of(RowKernels<TWide>.Dot(first, second, n), RowKernels<TWide>.Dot(first, first, n), RowKernels<TWide>.Dot(second, second, n));
    }
}

/// <summary>Sizes of a product whose examples' norms are asked for.</summary>
/// <param name="Examples">How many.</param>
/// <param name="Owners">Whose the rows are.</param>
/// <param name="Rows">Rows of both sides.</param>
/// <param name="Inputs">Columns of the one.</param>
/// <param name="Outputs">Columns of the other.</param>
internal readonly record struct ProductNormsShape(int Examples, ExampleRows Owners, int Rows, int Inputs, int Outputs);
