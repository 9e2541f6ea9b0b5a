using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>The gradient of a table whose rows were chosen by tokens: each token's row gets the sum of what stands at its places.</summary>
/// <param name="tokens">By row of the gradient.</param>
/// <param name="gradient">Shape [rows, columns].</param>
/// <param name="columns">Columns of the table.</param>
internal readonly unsafe struct TableGradient(int* tokens, float* gradient, int columns)
{
    /// <summary>Floats of working memory for <see cref="Norm"/>.</summary>
    public nint Scratch(int mostRows) => columns + 2 * (nint)mostRows;

    /// <summary>‖∂table‖² of an example: Σ over its tokens of ‖Σ of the rows of that token‖².</summary>
    public double Norm(KernelSet kernels, (nint First, int Count, int Step) rows, float* scratch)
    {
        var (first, count, step) = rows;
        // Sorted by token and then by place, rows that meet are neighbours, and are added up in the order of the text.
        var places = new Span<long>(scratch, count);
        var sum = scratch + 2 * (nint)count;
        for (var i = 0; i < count; i++) places[i] = ((long)tokens[first + (nint)i * step] << 32) | (uint)i;
        places.Sort();
        var total = 0.0;
        for (var i = 0; i < count;)
        {
            var own = Row(places[i], first, step);
            var end = i + 1;
            for (; end < count && places[end] >> 32 == places[i] >> 32; end++)
            {
                kernels.Add(own, Row(places[end], first, step), sum, columns);
                own = sum;
            }
            total += kernels.Dot(own, own, columns);
            i = end;
        }
        return total;
    }

    private float* Row(long place, nint first, int step) => gradient + (first + (nint)(uint)place * step) * columns;
}
