using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>One side of a weight's gradient Xᵀ·D: a matrix with a row for each row that the layer saw.</summary>
/// <param name="values">Row-major.</param>
/// <param name="columns">Columns.</param>
internal readonly unsafe struct RowFactor(float* values, int columns)
{
    public float* Values => values;

    public int Columns => columns;

    /// <summary>Floats of working memory for <see cref="Norm"/>.</summary>
    public nint Scratch(in RowFactor other, int mostRows) => IsGramLess(other, mostRows) ? 2 * (nint)mostRows * mostRows : (nint)columns * other.Columns;

    /// <summary>‖Xᵀ·D‖² of an example's rows. One: ‖x‖²·‖d‖². Several: Σ (X·Xᵀ)∘(D·Dᵀ), or the product itself where that is smaller (Bu et al. 2022, arXiv:2205.10683).</summary>
    public double Norm(KernelSet kernels, in RowFactor other, (nint First, int Count, int Step) rows, float* scratch)
    {
        var (first, count, step) = rows;
        if (count == 0) return 0;
        float* x = values + first * columns, d = other.Values + first * other.Columns;
        int stepX = step * columns, stepD = step * other.Columns;
        if (count == 1) return kernels.Dot(x, x, columns) * kernels.Dot(d, d, other.Columns);
        if (!IsGramLess(other, count))
        {
            kernels.Gemm(true, false, columns, other.Columns, count, x, stepX, d, stepD, scratch, other.Columns, null, 0);
            return kernels.Dot(scratch, scratch, (nint)columns * other.Columns);
        }
        var n = (nint)count * count;
        var second = scratch + n;
        kernels.Gemm(false, true, count, count, columns, x, stepX, x, stepX, scratch, count, null, 0);
        kernels.Gemm(false, true, count, count, other.Columns, d, stepD, d, stepD, second, count, null, 0);
        return GramNorm.Of(kernels.Dot(scratch, second, n), kernels.Dot(scratch, scratch, n), kernels.Dot(second, second, n));
    }

    /// <summary>The sum of an example's rows.</summary>
    public void Sum(KernelSet kernels, nint first, int count, int step, float* sums, bool accumulate)
    {
        if (step == 1)
        {
            kernels.ColumnSums(values + first * columns, count, columns, sums, accumulate);
            return;
        }
        if (!accumulate) new Span<float>(sums, columns).Clear();
        for (nint i = 0; i < count; i++) kernels.Add(values + (first + i * step) * columns, sums, sums, columns);
    }

    // Fewer rows than this, and the Gram matrices are smaller too: T·(p + d) < p·d implies 2·T² < p·d.
    private bool IsGramLess(in RowFactor other, int rows) => (double)rows * (columns + other.Columns) < (double)columns * other.Columns;
}
