using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Rules of sequences.</summary>
internal static unsafe partial class DerivativeRules
{
    private static void AddSequences(delegate*<Tape, ref Node, void>[] table)
    {
        table[(int)Operation.LayerNorm] = &LayerNorm;
        table[(int)Operation.RmsNorm] = &RmsNorm;
        table[(int)Operation.Gather] = &Gather;
        table[(int)Operation.Scatter] = &Scatter;
        table[(int)Operation.Concat] = &Concat;
        table[(int)Operation.SwapAxes] = &SwapAxes;
        table[(int)Operation.StepMean] = &StepMean;
        table[(int)Operation.SwiGlu] = &SwiGlu;
        table[(int)Operation.Attention] = &Attention;
        table[(int)Operation.Recurrent] = &Recurrent;
    }

    // k = (x − mean)·r, y = γk + β: with d = g·γ, ∂x = r·(d − mean(d) − k·mean(d·k)), ∂γ = Σ g·k, ∂β = Σ g
    private static void LayerNorm(Tape tape, ref Node node)
    {
        int rows = node.Shape.Rows, n = node.Shape.Columns;
        float* scale = ZeroedGradientOf(tape, node.B), shift = ZeroedGradientOf(tape, node.C);
        var x = tape.GradientOf(node.A, out var more);
        tape.Kernels.LayerNormRule(tape.Node(node.A).Value, tape.Node(node.B).Value, node.Saved, node.SavedToo, node.Gradient, x, scale, shift, rows, n, more);
    }

    // y = γ·x·r: with d = g·γ, ∂x = r·d − x·r³·mean(d·x), ∂γ = Σ g·x·r
    private static void RmsNorm(Tape tape, ref Node node)
    {
        int rows = node.Shape.Rows, n = node.Shape.Columns;
        var scale = ZeroedGradientOf(tape, node.B);
        var x = tape.GradientOf(node.A, out var more);
        tape.Kernels.RmsNormRule(tape.Node(node.A).Value, tape.Node(node.B).Value, node.Saved, node.Gradient, x, scale, rows, n, more);
    }

    // y[i] = x[rowsᵢ]: ∂x[rowsᵢ] += g[i]
    private static void Gather(Tape tape, ref Node node)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x == null) return;
        if (!more) new Span<float>(x, tape.Node(node.A).Shape.Length).Clear();
        tape.Kernels.Scatter(node.Gradient, (int*)node.Saved, node.Shape.Rows, node.Shape.Columns, x);
    }

    // y[rowsᵢ] += x[i]: ∂x[i] = g[rowsᵢ]
    private static void Scatter(Tape tape, ref Node node)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x == null) return;
        int rows = tape.Node(node.A).Shape.Rows, n = node.Shape.Columns;
        var target = more ? tape.Take((nint)rows * n) : x;
        tape.Kernels.Gather(node.Gradient, (int*)node.Saved, rows, n, target);
        if (more) tape.Kernels.Add(target, x, x, (nint)rows * n);
    }

    private static void Concat(Tape tape, ref Node node)
    {
        var columns = node.Shape.Columns;
        var first = 0;
        for (var side = 0; side < 2; side++)
        {
            var operand = side == 0 ? node.A : node.B;
            var n = tape.Node(operand).Shape.Columns;
            var target = tape.GradientOf(operand, out var more);
            for (nint i = 0; target != null && i < node.Shape.Rows; i++)
            {
                float* g = node.Gradient + i * columns + first, into = target + i * n;
                if (more) tape.Kernels.Add(g, into, into, n);
                else Buffer.MemoryCopy(g, into, n * sizeof(float), n * sizeof(float));
            }
            first += n;
        }
    }

    private static void SwapAxes(Tape tape, ref Node node)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x == null) return;
        var target = more ? tape.Take(node.Shape.Length) : x;
        Embeddings.Swap(node.Gradient, target, node.Shape[0], node.Shape[1], node.Shape[2]);
        if (more) tape.Kernels.Add(target, x, x, node.Shape.Length);
    }

    // y = Σ x[t]/length over t < length
    private static void StepMean(Tape tape, ref Node node)
    {
        if (!tape.Node(node.A).NeedsGradient) return;
        var x = ZeroedGradientOf(tape, node.A);
        var from = tape.Node(node.A).Shape;
        int steps = from[1], n = from[2];
        var lengths = (int*)node.Saved;
        for (nint b = 0; b < from[0]; b++)
        {
            var length = lengths == null ? steps : lengths[b];
            for (nint t = 0; t < length; t++) tape.Kernels.AddScaled(1f / length, node.Gradient + b * n, x + (b * steps + t) * n, n);
        }
    }

    // y = silu(a)·b: ∂a = silu′(a)·b·g, ∂b = silu(a)·g
    private static void SwiGlu(Tape tape, ref Node node)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x != null) tape.Kernels.SwiGluRule(tape.Node(node.A).Value, node.Gradient, x, node.Shape.Rows, node.Shape.Columns, more);
    }

    private static void Attention(Tape tape, ref Node node)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x == null) return;
        var shape = new AttentionShape(node.Shape[0], node.Shape[1], Math.Abs(node.Option), node.Shape[2], node.Option > 0, (int*)node.SavedToo, node.SavedLast);
        tape.Kernels.AttendRule(shape, tape.Node(node.A).Value, node.Value, node.Saved, node.Gradient, x, more);
    }

    // Back through time; then ∂W = Σ h′ᵀ·∂product over all steps in one product, for h′ of a step stands beside its ∂product one step off
    private static void Recurrent(Tape tape, ref Node node)
    {
        var more = false;
        var kind = (RecurrentKind)(node.Option & 15);
        int steps = node.Shape[0], batch = node.Shape[1], hidden = node.Shape[2], wide = Sequences.Gates(kind) * hidden;
        var shape = new RecurrentShape(kind, steps, batch, hidden, (node.Option & 16) != 0, (int*)node.SavedLast);
        var rows = (nint)steps * batch;
        // The second pass of a clipped one needs no way through time: the first one kept ∂product, by now scaled.
        var dProduct = node.SavedToo;
        if (tape.Flow != GradientFlow.Parameters)
        {
            var input = tape.GradientOf(node.A, out var added);
            var dInput = input == null || added || (tape.Flow == GradientFlow.Values && !IsUntouched(tape, node.A)) ? tape.Take(rows * wide) : input;
            dProduct = kind == RecurrentKind.Gru ? tape.Take(rows * wide) : dInput;
            tape.Kernels.RecurRule(shape, tape.Node(node.B).Value, node.Value, node.Saved, node.SavedToo, node.Gradient, dInput, dProduct);
            if (input != null && added) tape.Kernels.Add(dInput, input, input, rows * wide);
            else if (input != null && input != dInput) tape.Kernels.Affine(1, 0, dInput, input, rows * wide);
            if (tape.Flow == GradientFlow.Values) node.SavedToo = dProduct;
        }
        var bias = node.C < 0 ? null : tape.GradientOf(node.C, out more);
        if (bias != null) tape.Kernels.ColumnSums(dProduct, (int)rows, wide, bias, more);
        var weight = tape.GradientOf(node.B, out more);
        if (weight == null) return;
        nint states = (nint)batch * hidden, products = (nint)batch * wide;
        float* before = shape.Reverse ? node.Value + states : node.Value, after = shape.Reverse ? dProduct : dProduct + products;
        tape.Kernels.Gemm(true, false, hidden, wide, (steps - 1) * batch, before, hidden, after, wide, weight, wide, more ? weight : null, more ? wide : 0);
    }

    // Whether a gradient stays as it is once its only reader's rule has written it: that of a plain dense layer, seen through other shapes.
    private static bool IsUntouched(Tape tape, int index)
    {
        while (tape.IsReadOnce(index) && tape.Node(index).Operation == Operation.Reshape) index = tape.Node(index).A;
        return tape.IsReadOnce(index) && tape.Node(index) is { Operation: Operation.Dense, Option: (int)Activation.Identity };
    }

    // For rules that add: what is not there yet begins with zeros. What nobody needs goes to memory that nobody reads.
    private static float* ZeroedGradientOf(Tape tape, int operand)
    {
        var target = tape.GradientOf(operand, out var more);
        var length = tape.Node(operand).Shape.Length;
        if (target == null) target = tape.Take(length);
        if (!more) new Span<float>(target, length).Clear();
        return target;
    }
}
