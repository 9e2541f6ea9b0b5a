using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>The table of norm rules beside <see cref="DerivativeRules"/>: given ∂L/∂y of an operation's value, each adds to ‖∂L/∂w‖² of every example by its parameters w.</summary>
/// <remarks>An operation that is not here makes a model's examples pass one by one, which is slower and just as right.</remarks>
internal static unsafe partial class ExampleNorms
{
    private static readonly delegate*<Tape, ref Node, int, double*, void>[] Table = Build();

    /// <summary>Operands (A 1, B 2, C 4) whose gradient's norm the operation's rule tells.</summary>
    public static int Covers(Operation operation) =>
        operation is Operation.Dense or Operation.LayerNorm or Operation.GroupNorm or Operation.Convolution or Operation.TransposedConvolution ? 2 | 4 : 0;

    public static void Apply(Tape tape, ref Node node, int examples, double* squares) => Table[(int)node.Operation](tape, ref node, examples, squares);

    /// <summary>Whether each example's part of the value depends on that example's part of the operands alone, and lies in one piece.</summary>
    public static bool KeepsApart(Tape tape, ref Node node, int examples) => node.Operation switch
    {
        Operation.Dense or Operation.LayerNorm or Operation.Softmax => node.Shape.Rows % examples == 0,
        Operation.Convolution or Operation.TransposedConvolution or Operation.GroupNorm => node.Shape[0] % examples == 0,
        Operation.MaxPool or Operation.AveragePool or Operation.ChannelsLast or Operation.ChannelsFirst => node.Shape[0] % examples == 0,
        Operation.Function or Operation.Dropout => node.Shape.Length % examples == 0,
        Operation.Reshape => node.Shape.Length % examples == 0,
        // Beyond the loss there are sums of losses only.
        Operation.Add or Operation.Affine => node.Shape.Length % examples == 0 || IsLoss(tape, ref node),
        Operation.Subtract or Operation.Multiply or Operation.Divide => node.Shape.Length % examples == 0,
        Operation.SoftmaxCrossEntropy or Operation.SigmoidCrossEntropy or Operation.ValueLoss => tape.Node(node.A).Shape.Length % examples == 0,
        _ => false,
    };

    private static bool IsLoss(Tape tape, ref Node node) =>
        node.Operation is Operation.SoftmaxCrossEntropy or Operation.SigmoidCrossEntropy or Operation.ValueLoss
        || (node.Operation is Operation.Add or Operation.Affine && node.Shape.Length == 1 && IsLoss(tape, ref tape.Node(node.A)) && (node.B < 0 || IsLoss(tape, ref tape.Node(node.B))));

    private static delegate*<Tape, ref Node, int, double*, void>[] Build()
    {
        var table = new delegate*<Tape, ref Node, int, double*, void>[Enum.GetValues<Operation>().Length];
        table[(int)Operation.Dense] = &Dense;
        table[(int)Operation.LayerNorm] = &LayerNorm;
        AddImages(table);
        return table;
    }

    // ∂W = Xᵀ·D of an example. One row: ‖x‖²·‖d‖². Several: Σ (X·Xᵀ)∘(D·Dᵀ), or the product itself where that is smaller (Bu et al. 2022, arXiv:2205.10683).
    private static void Dense(Tape tape, ref Node node, int examples, double* squares)
    {
        var kernels = tape.Kernels;
        int outputs = node.Shape.Columns, inputs = tape.Node(node.A).Shape.Columns, rows = node.Shape.Rows / examples;
        bool weight = tape.Node(node.B).NeedsGradient, bias = tape.Node(node.C).NeedsGradient;
        float* x = tape.Node(node.A).Value, d = node.Gradient;
        // The derivative rule has put D into the gradient's place; when it runs again, there is no activation left to pass.
        node.Option = 0;
        if (rows == 1)
        {
            for (nint i = 0; i < examples; i++)
            {
                var input = weight ? kernels.Dot(x + i * inputs, x + i * inputs, inputs) : 0;
                squares[i] += kernels.Dot(d + i * outputs, d + i * outputs, outputs) * (input + (bias ? 1 : 0));
            }
            return;
        }
        var small = (double)rows * (inputs + outputs) < (double)inputs * outputs;
        float* first = tape.Take(small ? 2 * (nint)rows * rows : (nint)inputs * outputs), sums = tape.Take(outputs);
        for (nint i = 0; i < examples; i++)
        {
            float* own = x + i * rows * inputs, gradient = d + i * rows * outputs;
            if (weight) squares[i] += small ? Gram(tape, own, gradient, rows, inputs, outputs, first) : Product(tape, own, gradient, rows, inputs, outputs, first);
            if (!bias) continue;
            kernels.ColumnSums(gradient, rows, outputs, sums, accumulate: false);
            squares[i] += kernels.Dot(sums, sums, outputs);
        }
    }

    private static double Gram(Tape tape, float* x, float* d, int rows, int inputs, int outputs, float* scratch)
    {
        var n = (nint)rows * rows;
        var second = scratch + n;
        tape.Kernels.Gemm(false, true, rows, rows, inputs, x, inputs, x, inputs, scratch, rows, null, 0);
        tape.Kernels.Gemm(false, true, rows, rows, outputs, d, outputs, d, outputs, second, rows, null, 0);
        return GramNorm.Of(tape.Kernels.Dot(scratch, second, n), tape.Kernels.Dot(scratch, scratch, n), tape.Kernels.Dot(second, second, n));
    }

    private static double Product(Tape tape, float* x, float* d, int rows, int inputs, int outputs, float* scratch)
    {
        tape.Kernels.Gemm(true, false, inputs, outputs, rows, x, inputs, d, outputs, scratch, outputs, null, 0);
        return tape.Kernels.Dot(scratch, scratch, (nint)inputs * outputs);
    }

    // ∂γ = Σ g∘n and ∂β = Σ g over an example's rows.
    private static void LayerNorm(Tape tape, ref Node node, int examples, double* squares)
    {
        int n = node.Shape.Columns, rows = node.Shape.Rows / examples;
        bool scale = tape.Node(node.B).NeedsGradient, shift = tape.Node(node.C).NeedsGradient;
        float* x = tape.Node(node.A).Value, weights = tape.Node(node.B).Value, sums = tape.Take(2 * (nint)n);
        for (nint i = 0; i < examples; i++)
        {
            new Span<float>(sums, 2 * n).Clear();
            var first = i * rows;
            tape.Kernels.LayerNormRule(x + first * n, weights, node.Saved + first, node.SavedToo + first, node.Gradient + first * n, null, sums, sums + n, rows, n, accumulate: false);
            if (scale) squares[i] += tape.Kernels.Dot(sums, sums, n);
            if (shift) squares[i] += tape.Kernels.Dot(sums + n, sums + n, n);
        }
    }
}
