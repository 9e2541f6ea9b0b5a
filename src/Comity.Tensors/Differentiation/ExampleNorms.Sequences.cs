using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Norm rules of sequences.</summary>
internal static unsafe partial class ExampleNorms
{
    private static void AddSequences(delegate*<Tape, ref Node, int, double*, void>[] table)
    {
        table[(int)Operation.LayerNorm] = &LayerNorm;
        table[(int)Operation.RmsNorm] = &RmsNorm;
        table[(int)Operation.Gather] = &Gather;
        table[(int)Operation.Recurrent] = &Recurrent;
    }

    // ∂γ = Σ g∘k and ∂β = Σ g over an example's rows.
    private static void LayerNorm(Tape tape, ref Node node, int examples, double* squares)
    {
        var n = node.Shape.Columns;
        bool scale = IsAsked(tape, node.B), shift = IsAsked(tape, node.C);
        float* x = tape.Node(node.A).Value, weights = tape.Node(node.B).Value, sums = tape.Take(2 * (nint)n);
        for (var e = 0; e < examples; e++)
        {
            new Span<float>(sums, 2 * n).Clear();
            var (first, count, step) = node.Examples.Of(node.Shape.Rows, examples, e);
            var atOnce = step == 1 ? count : 1;
            for (nint done = 0, row = first; done < count; done += atOnce, row += step)
                tape.Kernels.LayerNormRule(x + row * n, weights, node.Saved + row, node.SavedToo + row, node.Gradient + row * n, null, sums, sums + n, atOnce, n, accumulate: false);
            if (scale) squares[e] += tape.Kernels.Dot(sums, sums, n);
            if (shift) squares[e] += tape.Kernels.Dot(sums + n, sums + n, n);
        }
    }

    // ∂γ = Σ g∘x·r over an example's rows.
    private static void RmsNorm(Tape tape, ref Node node, int examples, double* squares)
    {
        if (!IsAsked(tape, node.B)) return;
        var n = node.Shape.Columns;
        float* x = tape.Node(node.A).Value, weights = tape.Node(node.B).Value, sums = tape.Take(n);
        for (var e = 0; e < examples; e++)
        {
            new Span<float>(sums, n).Clear();
            var (first, count, step) = node.Examples.Of(node.Shape.Rows, examples, e);
            var atOnce = step == 1 ? count : 1;
            for (nint done = 0, row = first; done < count; done += atOnce, row += step)
                tape.Kernels.RmsNormRule(x + row * n, weights, node.Saved + row, node.Gradient + row * n, null, sums, atOnce, n, accumulate: false);
            squares[e] += tape.Kernels.Dot(sums, sums, n);
        }
    }

    private static void Gather(Tape tape, ref Node node, int examples, double* squares)
    {
        if (IsAsked(tape, node.A)) Table(tape, ref node, examples, squares);
    }

    /// <summary>‖∂table‖² of each example's tokens.</summary>
    public static void Table(Tape tape, ref Node node, int examples, double* squares)
    {
        var table = new TableGradient((int*)node.Saved, node.Gradient, node.Shape.Columns);
        var scratch = tape.Take(table.Scratch(node.Examples.Most(node.Shape.Rows, examples)));
        for (var e = 0; e < examples; e++) squares[e] += table.Norm(tape.Kernels, node.Examples.Of(node.Shape.Rows, examples, e), scratch);
    }

    // ∂W = Σ h′ᵀ·∂product over the steps that have one before them, ∂b = Σ ∂product over all; the derivative rule has kept ∂product.
    private static void Recurrent(Tape tape, ref Node node, int examples, double* squares)
    {
        int steps = node.Shape[0], hidden = node.Shape[2], wide = tape.Node(node.A).Shape.Columns;
        bool weight = IsAsked(tape, node.B) && steps > 1, bias = IsAsked(tape, node.C), reverse = (node.Option & 16) != 0;
        nint states = (nint)examples * hidden, products = (nint)examples * wide;
        // The state before stands beside ∂product one step off.
        float* before = reverse ? node.Value + states : node.Value, after = reverse ? node.SavedToo : node.SavedToo + products;
        if (weight) tape.Kernels.ProductNorms(new ProductNormsShape(examples, node.Examples, (steps - 1) * examples, hidden, wide), before, after, squares);
        if (!bias) return;
        var sums = tape.Take(wide);
        for (var e = 0; e < examples; e++)
        {
            new RowFactor(node.SavedToo, wide).Sum(tape.Kernels, e, steps, examples, sums, accumulate: false);
            squares[e] += tape.Kernels.Dot(sums, sums, wide);
        }
    }
}
