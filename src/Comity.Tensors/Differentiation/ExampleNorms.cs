using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>The table of norm rules beside <see cref="DerivativeRules"/>: given ∂L/∂y of an operation's value, each adds to ‖∂L/∂w‖² of every example by its parameters w.</summary>
/// <remarks>
/// An operation with parameters that is not here makes a model's examples pass one by one, which is slower and just as right. Parameters that several operations
/// read are left to <see cref="SharedNorms"/>.
/// </remarks>
internal static unsafe partial class ExampleNorms
{
    private static readonly delegate*<Tape, ref Node, int, double*, void>[] Rules = Build();

    /// <summary>Operands (A 1, B 2, C 4) whose gradient's norm the operation's rule tells.</summary>
    public static int Covers(Operation operation) => operation switch
    {
        Operation.Dense or Operation.LayerNorm or Operation.GroupNorm or Operation.Convolution or Operation.TransposedConvolution or Operation.Recurrent => 2 | 4,
        Operation.RmsNorm or Operation.AddRow or Operation.MatrixProduct => 2,
        Operation.Gather => 1,
        _ => 0,
    };

    public static void Apply(Tape tape, ref Node node, int examples, double* squares) => Rules[(int)node.Operation](tape, ref node, examples, squares);

    private static delegate*<Tape, ref Node, int, double*, void>[] Build()
    {
        var table = new delegate*<Tape, ref Node, int, double*, void>[Enum.GetValues<Operation>().Length];
        table[(int)Operation.Dense] = &Dense;
        table[(int)Operation.MatrixProduct] = &MatrixProduct;
        table[(int)Operation.AddRow] = &AddRow;
        AddSequences(table);
        AddImages(table);
        return table;
    }

    // Whether the rule has to tell the norm of the operand's gradient.
    private static bool IsAsked(Tape tape, int operand) => operand >= 0 && tape.Node(operand) is { NeedsGradient: true, Uses: 1 };

    private static void Dense(Tape tape, ref Node node, int examples, double* squares)
    {
        // The derivative rule has put D into the gradient's place; when it runs again, there is no activation left to pass.
        node.Option = 0;
        bool weight = IsAsked(tape, node.B), bias = IsAsked(tape, node.C);
        if (node.Examples.IsPieces && node.Shape.Rows == examples)
        {
            int outputs = node.Shape.Columns, inputs = tape.Node(node.A).Shape.Columns;
            float* x = tape.Node(node.A).Value, d = node.Gradient;
            for (nint i = 0; i < examples; i++)
            {
                var input = weight ? tape.Kernels.Dot(x + i * inputs, x + i * inputs, inputs) : 0;
                squares[i] += tape.Kernels.Dot(d + i * outputs, d + i * outputs, outputs) * (input + (bias ? 1 : 0));
            }
            return;
        }
        if (weight) Product(tape, ref node, examples, squares);
        if (bias) Sums(tape, ref node, examples, squares);
    }

    // Whether W is read as it stands or as its transpose, its gradient holds the same numbers.
    private static void MatrixProduct(Tape tape, ref Node node, int examples, double* squares)
    {
        if (IsAsked(tape, node.B)) Product(tape, ref node, examples, squares);
    }

    private static void AddRow(Tape tape, ref Node node, int examples, double* squares)
    {
        if (IsAsked(tape, node.B)) Sums(tape, ref node, examples, squares);
    }

    /// <summary>‖Xᵀ·D‖² of each example's rows.</summary>
    public static void Product(Tape tape, ref Node node, int examples, double* squares)
    {
        var shape = new ProductNormsShape(examples, node.Examples, node.Shape.Rows, tape.Node(node.A).Shape.Columns, node.Shape.Columns);
        tape.Kernels.ProductNorms(shape, tape.Node(node.A).Value, node.Gradient, squares);
    }

    // ‖Σ d‖² over each example's rows.
    private static void Sums(Tape tape, ref Node node, int examples, double* squares)
    {
        var n = node.Shape.Columns;
        var sums = tape.Take(n);
        for (var e = 0; e < examples; e++)
        {
            var (first, count, step) = node.Examples.Of(node.Shape.Rows, examples, e);
            if (count == 0) continue;
            new RowFactor(node.Gradient, n).Sum(tape.Kernels, first, count, step, sums, accumulate: false);
            squares[e] += tape.Kernels.Dot(sums, sums, n);
        }
    }
}
