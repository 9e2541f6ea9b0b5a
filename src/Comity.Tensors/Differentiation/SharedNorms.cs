using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Norms of parameters that several operations read, such as tokens that are read and predicted by the same vectors.</summary>
/// <remarks>
/// An operation's part of a matrix's gradient is Uᵀ·V with a row in both for each row that the layer saw; a table's U holds a one at the row's token. ‖Σ parts‖² is
/// the sum over all pairs of ⟨U₁ᵀ·V₁, U₂ᵀ·V₂⟩ = Σ (U₁·U₂ᵀ)∘(V₁·V₂ᵀ), so that nothing as large as the matrix is made (for tied embeddings: Li et al. 2022,
/// arXiv:2110.05679, section 4, who pass over the pairs of different operations). Parts of vectors are as small as these, and are added up.
/// </remarks>
internal static unsafe class SharedNorms
{
    private enum Kind
    {
        Unknown,
        Matrix,
        Table,
        Vector,
    }

    /// <summary>Whether all operations of the tape that read a parameter are of kinds that are known together.</summary>
    public static bool CanTell(Tape tape, int parameter)
    {
        var (matrices, vectors) = (false, false);
        for (var i = parameter + 1; i <= tape.Last.Index; i++)
        {
            ref var node = ref tape.Node(i);
            for (var place = 0; place < 3; place++)
            {
                if (Operand(node, place) != parameter) continue;
                var kind = KindOf(node, place);
                if (kind == Kind.Unknown) return false;
                matrices |= kind is Kind.Matrix or Kind.Table;
                vectors |= kind == Kind.Vector;
            }
        }
        return matrices != vectors;
    }

    /// <summary>Adds to ‖∂L/∂w‖² of every example by all parameters that are read more than once.</summary>
    public static void Add(Tape tape, int last, int examples, double* squares)
    {
        for (var p = 0; p <= last; p++)
        {
            if (tape.Node(p) is not { Operation: Operation.Parameter, Uses: > 1 }) continue;
            var parts = (Part*)tape.Take(tape.Node(p).Uses * (sizeof(Part) / sizeof(float)));
            var count = 0;
            for (var i = p + 1; i <= last; i++)
            {
                for (var place = 0; place < 3; place++)
                {
                    // What the loss does not depend on has no gradient, and no part.
                    if (Operand(tape.Node(i), place) == p && tape.Node(i).HasGradient) parts[count++] = new Part(tape, i, KindOf(tape.Node(i), place));
                }
            }
            if (count == 0) continue;
            if (parts[0].Kind == Kind.Vector) AddVectors(tape, parts, count, examples, squares);
            else AddMatrices(tape, parts, count, examples, squares);
        }
    }

    private static int Operand(in Node node, int place) => place == 0 ? node.A : place == 1 ? node.B : node.C;

    private static Kind KindOf(in Node node, int place) => (node.Operation, place) switch
    {
        (Operation.Gather, 0) => Kind.Table,
        (Operation.Dense or Operation.MatrixProduct, 1) => Kind.Matrix,
        (Operation.Dense, 2) or (Operation.AddRow, 1) => Kind.Vector,
        _ => Kind.Unknown,
    };

    private static void AddVectors(Tape tape, Part* parts, int count, int examples, double* squares)
    {
        var n = parts[0].Right.Columns;
        var sums = tape.Take(n);
        for (var e = 0; e < examples; e++)
        {
            new Span<float>(sums, n).Clear();
            for (var i = 0; i < count; i++)
            {
                var (first, rows, step) = parts[i].Rows(tape, examples, e);
                if (rows > 0) parts[i].Right.Sum(tape.Kernels, first, rows, step, sums, accumulate: true);
            }
            squares[e] += tape.Kernels.Dot(sums, sums, n);
        }
    }

    private static void AddMatrices(Tape tape, Part* parts, int count, int examples, double* squares)
    {
        nint most = 0;
        for (var i = 0; i < count; i++) most = Math.Max(most, parts[i].Most(tape, examples));
        var totals = (double*)tape.Take(2 * (nint)examples);
        new Span<double>(totals, examples).Clear();
        for (var i = 0; i < count; i++) parts[i].AddNorms(tape, examples, totals);
        var scratch = tape.Take(2 * most * most);
        for (var e = 0; e < examples; e++)
        {
            for (var i = 1; i < count; i++)
            {
                for (var j = 0; j < i; j++) totals[e] += 2 * Product(tape.Kernels, parts[j], parts[i], parts[j].Rows(tape, examples, e), parts[i].Rows(tape, examples, e), scratch);
            }
            squares[e] += Math.Max(0, totals[e]);
        }
    }

    // ⟨U₁ᵀ·V₁, U₂ᵀ·V₂⟩ of an example, and what rounding may have taken off it.
    private static double Product(KernelSet kernels, in Part one, in Part two, (nint First, int Count, int Step) of, (nint First, int Count, int Step) by, float* scratch)
    {
        if (one.Kind == Kind.Matrix && two.Kind == Kind.Table) return Product(kernels, two, one, by, of, scratch);
        if (of.Count == 0 || by.Count == 0) return 0;
        var n = (nint)of.Count * by.Count;
        float* right = scratch, left = scratch + n;
        Gram(kernels, one.Right, two.Right, of, by, right);
        if (two.Kind == Kind.Table) Equals(one.Tokens, two.Tokens, of, by, left);
        else if (one.Kind == Kind.Table) Chosen(one.Tokens, two.Left, of, by, left);
        else Gram(kernels, one.Left, two.Left, of, by, left);
        return GramNorm.Signed(kernels.Dot(left, right, n), kernels.Dot(left, left, n), kernels.Dot(right, right, n));
    }

    private static void Gram(KernelSet kernels, in RowFactor a, in RowFactor b, (nint First, int Count, int Step) of, (nint First, int Count, int Step) by, float* target) =>
        kernels.Gemm(false, true, of.Count, by.Count, a.Columns, a.Values + of.First * a.Columns, of.Step * a.Columns, b.Values + by.First * b.Columns, by.Step * b.Columns, target, by.Count, null, 0);

    private static void Equals(int* a, int* b, (nint First, int Count, int Step) of, (nint First, int Count, int Step) by, float* target)
    {
        for (nint i = 0; i < of.Count; i++)
        {
            for (nint j = 0; j < by.Count; j++) *target++ = a[of.First + i * of.Step] == b[by.First + j * by.Step] ? 1 : 0;
        }
    }

    private static void Chosen(int* tokens, in RowFactor b, (nint First, int Count, int Step) of, (nint First, int Count, int Step) by, float* target)
    {
        for (nint i = 0; i < of.Count; i++)
        {
            var column = b.Values + tokens[of.First + i * of.Step];
            for (nint j = 0; j < by.Count; j++) *target++ = column[(by.First + j * by.Step) * b.Columns];
        }
    }

    /// <summary>What one operation adds to the gradient of a parameter.</summary>
    private readonly struct Part
    {
        private readonly int _node;
        private readonly int* _tokens;

        public Part(Tape tape, int index, Kind kind)
        {
            ref var node = ref tape.Node(index);
            (_node, Kind) = (index, kind);
            _tokens = (int*)node.Saved;
            Right = new RowFactor(node.Gradient, node.Shape.Columns);
            if (kind != Kind.Matrix) return;
            Left = new RowFactor(tape.Node(node.A).Value, tape.Node(node.A).Shape.Columns);
            // Where the parameter is read as its transpose, rows and columns of its gradient change places.
            if (node.Operation == Operation.MatrixProduct && (node.Option & 2) != 0) (Left, Right) = (Right, Left);
        }

        public Kind Kind { get; }

        public int* Tokens => _tokens;

        public RowFactor Left { get; }

        public RowFactor Right { get; }

        public (nint First, int Count, int Step) Rows(Tape tape, int examples, int example) => tape.Node(_node).Examples.Of(tape.Node(_node).Shape.Rows, examples, example);

        public int Most(Tape tape, int examples) => tape.Node(_node).Examples.Most(tape.Node(_node).Shape.Rows, examples);

        public void AddNorms(Tape tape, int examples, double* squares)
        {
            ref var node = ref tape.Node(_node);
            if (Kind == Kind.Table) ExampleNorms.Table(tape, ref node, examples, squares);
            else ExampleNorms.Product(tape, ref node, examples, squares);
        }
    }
}
