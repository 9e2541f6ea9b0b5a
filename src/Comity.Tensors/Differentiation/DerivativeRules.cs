using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>The table of derivative rules: given ∂L/∂y of an operation's value, each adds ∂L/∂x to its operands.</summary>
/// <remarks>Arithmetic, dense layers and losses stand here; every other family of operations has a part of its own, which enters its rules into the table.</remarks>
internal static unsafe partial class DerivativeRules
{
    private static readonly delegate*<Tape, ref Node, void>[] Table = Build();

    public static void Apply(Tape tape, ref Node node) => Table[(int)node.Operation](tape, ref node);

    private static delegate*<Tape, ref Node, void>[] Build()
    {
        var table = new delegate*<Tape, ref Node, void>[Enum.GetValues<Operation>().Length];
        table[(int)Operation.Reshape] = &Pass;
        table[(int)Operation.Add] = &Add;
        table[(int)Operation.Subtract] = &Subtract;
        table[(int)Operation.Multiply] = &Multiply;
        table[(int)Operation.Divide] = &Divide;
        table[(int)Operation.AddRow] = &AddRow;
        table[(int)Operation.Affine] = &Affine;
        table[(int)Operation.Function] = &Function;
        table[(int)Operation.MatrixProduct] = &MatrixProduct;
        table[(int)Operation.Dense] = &Dense;
        table[(int)Operation.Dropout] = &Dropout;
        table[(int)Operation.Softmax] = &Softmax;
        table[(int)Operation.Sum] = &Reduce;
        table[(int)Operation.Mean] = &Reduce;
        table[(int)Operation.SoftmaxCrossEntropy] = &Loss;
        table[(int)Operation.SigmoidCrossEntropy] = &Loss;
        table[(int)Operation.ValueLoss] = &Loss;
        AddSequences(table);
        AddImages(table);
        AddBroadcasts(table);
        return table;
    }

    // y = x
    private static void Pass(Tape tape, ref Node node)
    {
        if (!tape.HandOn(ref node, node.A)) AddTo(tape, node.A, node.Gradient, 1);
    }

    // y = a + b
    private static void Add(Tape tape, ref Node node)
    {
        if (tape.Share(ref node, node.A, node.B)) return;
        AddTo(tape, node.A, node.Gradient, 1);
        // Only one operand may take the memory over, for the other will add to its own.
        if (node.A == node.B || tape.Node(node.A).Operation == Operation.Parameter || !tape.HandOn(ref node, node.B)) AddTo(tape, node.B, node.Gradient, 1);
    }

    // y = a − b
    private static void Subtract(Tape tape, ref Node node)
    {
        AddTo(tape, node.A, node.Gradient, 1);
        AddTo(tape, node.B, node.Gradient, -1);
    }

    // y = a·b: ∂a = g·b, ∂b = g·a
    private static void Multiply(Tape tape, ref Node node)
    {
        var n = node.Shape.Length;
        var a = tape.GradientOf(node.A, out var more);
        if (a != null) tape.Kernels.Multiply(node.Gradient, tape.Node(node.B).Value, a, n, more);
        var b = tape.GradientOf(node.B, out more);
        if (b != null) tape.Kernels.Multiply(node.Gradient, tape.Node(node.A).Value, b, n, more);
    }

    // y = a/b: ∂a = g/b, ∂b = −(g/b)·y
    private static void Divide(Tape tape, ref Node node)
    {
        var n = node.Shape.Length;
        var share = tape.Take(n);
        tape.Kernels.Divide(node.Gradient, tape.Node(node.B).Value, share, n);
        AddTo(tape, node.A, share, 1);
        var b = tape.GradientOf(node.B, out var more);
        if (b == null) return;
        tape.Kernels.Affine(-1, 0, share, share, n);
        tape.Kernels.Multiply(share, node.Value, b, n, more);
    }

    // y = x + row: ∂row = Σ over rows
    private static void AddRow(Tape tape, ref Node node)
    {
        // Between the two passes of a clipped one the gradient is still needed, so that nobody may add to it.
        if (node.A == node.B || tape.Flow == GradientFlow.Values || !tape.HandOn(ref node, node.A)) AddTo(tape, node.A, node.Gradient, 1);
        var row = tape.GradientOf(node.B, out var more);
        if (row != null) tape.Kernels.ColumnSums(node.Gradient, node.Shape.Rows, node.Shape.Columns, row, more);
    }

    // y = a·x + b
    private static void Affine(Tape tape, ref Node node) => AddTo(tape, node.A, node.Gradient, node.Number);

    // y = f(x): the rule reads y, or x where y does not tell (gelu, log)
    private static void Function(Tape tape, ref Node node)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x == null) return;
        var function = (Kernels.Function)node.Option;
        var saved = function is Kernels.Function.Gelu or Kernels.Function.Log ? tape.Node(node.A).Value : node.Value;
        tape.Kernels.ApplyRule(function, saved, node.Gradient, x, node.Shape.Length, more);
    }

    // Y = A·B: ∂A = G·Bᵀ, ∂B = Aᵀ·G; transposed operands get the transposed of these
    private static void MatrixProduct(Tape tape, ref Node node)
    {
        bool ta = (node.Option & 1) != 0, tb = (node.Option & 2) != 0;
        int m = node.Shape.Rows, n = node.Shape.Columns;
        Shape left = tape.Node(node.A).Shape, right = tape.Node(node.B).Shape;
        var k = ta ? left.Rows : left.Columns;
        var a = tape.GradientOf(node.A, out var more);
        if (a != null)
        {
            var b = tape.Node(node.B).Value;
            if (ta) tape.Kernels.Gemm(tb, true, k, m, n, b, right.Columns, node.Gradient, n, a, m, more ? a : null, m);
            else tape.Kernels.Gemm(false, !tb, m, k, n, node.Gradient, n, b, right.Columns, a, k, more ? a : null, k);
        }
        var c = tape.GradientOf(node.B, out more);
        if (c != null)
        {
            var x = tape.Node(node.A).Value;
            if (tb) tape.Kernels.Gemm(true, ta, n, k, m, node.Gradient, n, x, left.Columns, c, k, more ? c : null, k);
            else tape.Kernels.Gemm(!ta, false, k, n, m, x, left.Columns, node.Gradient, n, c, n, more ? c : null, n);
        }
    }

    // Y = f(X·W + b): D = G·f′, ∂X = D·Wᵀ, ∂W = Xᵀ·D, ∂b = Σ over rows of D
    private static void Dense(Tape tape, ref Node node)
    {
        int rows = node.Shape.Rows, outputs = node.Shape.Columns, inputs = tape.Node(node.A).Shape.Columns;
        var d = node.Gradient;
        PassActivation(tape, ref node);
        var x = tape.Node(node.A).Value;
        bool more = false, moreBias = false;
        var w = Descend(tape, ref node, d) ? null : tape.GradientOf(node.B, out more);
        var b = tape.GradientOf(node.C, out moreBias);
        // The bias's sums are taken while D is read for the product.
        if (w != null) tape.Kernels.Gemm(true, false, inputs, outputs, rows, x, inputs, d, outputs, w, outputs, more ? w : null, outputs, Passing.Sums(b, moreBias));
        else if (b != null) tape.Kernels.ColumnSums(d, rows, outputs, b, moreBias);
        var below = tape.GradientOf(node.A, out more);
        if (below == null) return;
        var passing = more ? default : Below(tape, node.A, below);
        tape.Kernels.Gemm(false, true, rows, inputs, outputs, d, outputs, tape.Node(node.B).Value, outputs, below, inputs, more ? below : null, inputs, passing);
    }

    // The gradient of Y is not needed any more, so that before the activation takes its place.
    private static void PassActivation(Tape tape, ref Node node)
    {
        if (node.Option == (int)Kernels.Function.Gelu) tape.Kernels.Multiply(node.Gradient, node.Saved, node.Gradient, node.Shape.Length, accumulate: false);
        else if (node.Option != 0) tape.Kernels.ApplyRule((Kernels.Function)node.Option, node.Saved, node.Gradient, node.Gradient, node.Shape.Length, accumulate: false);
    }

    // Where X is a dense layer's value that nothing else reads, its gradient goes back through that layer's activation while it is in a cache.
    private static Passing Below(Tape tape, int index, float* gradient)
    {
        ref var below = ref tape.Node(index);
        if (below.Operation != Operation.Dense || below.Option == 0 || tape.Flow != GradientFlow.Everything || !tape.IsReadOnce(index)) return default;
        var function = (Kernels.Function)below.Option;
        below.Option = 0; // there is no activation left to pass
        return Passing.Rule(function, gradient, below.Saved);
    }

    // W ← W − η·Xᵀ·D, block by block of rows, each while its gradient is in the first cache: that of a large first weight never goes to memory. The bits are
    // those of the two operations. Not where anything else reads W or D has to go on through it.
    private static bool Descend(Tape tape, ref Node node, float* d)
    {
        const int Rows = 12, Block = 1536, Least = 20 * Block; // whole tiles of every width
        ref var weight = ref tape.Node(node.B);
        int rows = node.Shape.Rows, outputs = node.Shape.Columns, inputs = tape.Node(node.A).Shape.Columns;
        if (tape.DescentRate <= 0 || tape.Descended >= 0 || tape.Flow != GradientFlow.Everything || tape.Node(node.A).NeedsGradient || weight.Operation != Operation.Parameter
            || !weight.NeedsGradient || weight.HasGradient || weight.Shape.Length < Least || outputs > 4 * Block || !tape.Kernels.IsAlone || !tape.IsReadOnce(node.B)) return false;
        var atOnce = Math.Max(1, Block / outputs / Rows) * Rows;
        var gradient = tape.Take((nint)atOnce * outputs);
        var finite = true;
        for (nint first = 0; first < inputs; first += atOnce)
        {
            var count = (int)Math.Min(atOnce, inputs - first);
            // The next weights are on their way while this gradient is computed.
            CacheLines.Fetch(weight.Value + (first + count) * outputs, (nint)Math.Min(atOnce, inputs - first - count) * outputs);
            tape.Kernels.Gemm(true, false, count, outputs, rows, tape.Node(node.A).Value + first, inputs, d, outputs, gradient, outputs, null, 0);
            finite &= tape.Kernels.Descent(weight.Value + first * outputs, gradient, (nint)count * outputs, tape.DescentRate);
        }
        // The gradient is wanted after all: it tells which operation broke.
        if (!finite) return false;
        tape.GradientOf(node.B, out _);
        tape.Descended = node.B;
        return true;
    }

    // y = x·mask
    private static void Dropout(Tape tape, ref Node node)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x != null) tape.Kernels.Multiply(node.Gradient, node.Saved, x, node.Shape.Length, more);
    }

    // p = softmax(x): ∂x = p·(g − Σ g·p) along the row
    private static void Softmax(Tape tape, ref Node node)
    {
        int rows = node.Shape.Rows, n = node.Shape.Columns;
        var x = tape.GradientOf(node.A, out var more);
        if (x == null) return;
        var d = tape.Take(n);
        for (nint i = 0; i < rows; i++)
        {
            float* g = node.Gradient + i * n, p = node.Value + i * n;
            tape.Kernels.Affine(1, -(float)tape.Kernels.Dot(g, p, n), g, d, n);
            tape.Kernels.Multiply(d, p, x + i * n, n, more);
        }
    }

    // y = c·Σ x
    private static void Reduce(Tape tape, ref Node node)
    {
        var x = tape.GradientOf(node.A, out var more);
        if (x == null) return;
        var n = tape.Node(node.A).Shape.Length;
        var g = *node.Gradient * node.Number;
        if (more) tape.Kernels.Affine(1, g, x, x, n);
        else new Span<float>(x, n).Fill(g);
    }

    // A mean loss: its derivative was computed beside its value
    private static void Loss(Tape tape, ref Node node) => AddTo(tape, node.A, node.Saved, *node.Gradient);

    // ∂operand += factor·g
    private static void AddTo(Tape tape, int operand, float* g, float factor)
    {
        var target = tape.GradientOf(operand, out var more);
        if (target == null) return;
        var n = tape.Node(operand).Shape.Length;
        if (more) tape.Kernels.AddScaled(factor, g, target, n);
        else tape.Kernels.Affine(factor, 0, g, target, n);
    }
}
