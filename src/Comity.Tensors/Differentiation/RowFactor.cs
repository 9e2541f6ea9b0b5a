using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>One side of a weight's gradient Xᵀ·D: a matrix with a row for each row that the layer saw.</summary>
/// <param name="values">Row-major.</param>
/// <param name="columns">Columns.</param>
internal readonly unsafe struct RowFactor(float* values, int columns)
{
    public float* Values => values;

    public int Columns => columns;

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
}
