using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Arithmetic on tensors.</summary>
public static unsafe class Algebra
{
    /// <summary>x + y; shapes that differ are broadcast (<see cref="Broadcasting"/>).</summary>
    public static Tensor Add(this Tape tape, Tensor x, Tensor y)
    {
        if (IsRowOf(y.Shape, x.Shape)) return tape.AddRow(x, y);
        if (IsRowOf(x.Shape, y.Shape)) return tape.AddRow(y, x);
        var (shape, value) = Same(tape, ref x, ref y, "Add");
        tape.Kernels.Add(tape.Node(x.Index).Value, tape.Node(y.Index).Value, (float*)value, shape.Length);
        tape.Append(Operation.Add, shape, (float*)value, x.Index, y.Index);
        return tape.Last;
    }

    /// <summary>x − y; shapes that differ are broadcast.</summary>
    public static Tensor Subtract(this Tape tape, Tensor x, Tensor y)
    {
        var (shape, value) = Same(tape, ref x, ref y, "Subtract");
        tape.Kernels.Subtract(tape.Node(x.Index).Value, tape.Node(y.Index).Value, (float*)value, shape.Length);
        tape.Append(Operation.Subtract, shape, (float*)value, x.Index, y.Index);
        return tape.Last;
    }

    /// <summary>x·y element by element; shapes that differ are broadcast.</summary>
    public static Tensor Multiply(this Tape tape, Tensor x, Tensor y)
    {
        var (shape, value) = Same(tape, ref x, ref y, "Multiply");
        tape.Kernels.Multiply(tape.Node(x.Index).Value, tape.Node(y.Index).Value, (float*)value, shape.Length, accumulate: false);
        tape.Append(Operation.Multiply, shape, (float*)value, x.Index, y.Index);
        return tape.Last;
    }

    /// <summary>x/y element by element; shapes that differ are broadcast.</summary>
    public static Tensor Divide(this Tape tape, Tensor x, Tensor y)
    {
        var (shape, value) = Same(tape, ref x, ref y, "Divide");
        tape.Kernels.Divide(tape.Node(x.Index).Value, tape.Node(y.Index).Value, (float*)value, shape.Length);
        tape.Append(Operation.Divide, shape, (float*)value, x.Index, y.Index);
        return tape.Last;
    }

    /// <summary>x + row for every row of x.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape […, n].</param>
    /// <param name="row">Shape [n].</param>
    public static Tensor AddRow(this Tape tape, Tensor x, Tensor row)
    {
        var shape = x.Shape;
        if (row.Shape.Length != shape.Columns) throw new ArgumentException($"A row of shape {row.Shape} does not fit {shape}.", nameof(row));
        var value = tape.Take(shape.Length);
        float* source = tape.Node(x.Index).Value, added = tape.Node(row.Index).Value;
        var n = shape.Columns;
        for (nint i = 0; i < shape.Rows; i++) tape.Kernels.Add(source + i * n, added, value + i * n, n);
        tape.Append(Operation.AddRow, shape, value, x.Index, row.Index);
        return tape.Last;
    }

    /// <summary>a·x + b.</summary>
    public static Tensor Affine(this Tape tape, Tensor x, float a, float b)
    {
        var shape = x.Shape;
        var value = tape.Take(shape.Length);
        tape.Kernels.Affine(a, b, tape.Node(x.Index).Value, value, shape.Length);
        tape.Append(Operation.Affine, shape, value, x.Index).Number = a;
        return tape.Last;
    }

    /// <summary>op(x)·op(y) of matrices.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Shape [m, k], or [k, m] when transposed.</param>
    /// <param name="y">Shape [k, n], or [n, k] when transposed.</param>
    /// <param name="transposeX">Whether x is read as its transpose.</param>
    /// <param name="transposeY">Whether y is read as its transpose.</param>
    public static Tensor MatrixProduct(this Tape tape, Tensor x, Tensor y, bool transposeX = false, bool transposeY = false)
    {
        Shape left = x.Shape, right = y.Shape;
        int m = transposeX ? left.Columns : left.Rows, k = transposeX ? left.Rows : left.Columns;
        int n = transposeY ? right.Rows : right.Columns, depth = transposeY ? right.Columns : right.Rows;
        if (k != depth) throw new ArgumentException($"{left}{(transposeX ? "ᵀ" : "")} and {right}{(transposeY ? "ᵀ" : "")} cannot be multiplied.", nameof(y));
        var shape = new Shape(m, n);
        var value = tape.Take(shape.Length);
        tape.Kernels.Gemm(transposeX, transposeY, m, n, k, tape.Node(x.Index).Value, left.Columns, tape.Node(y.Index).Value, right.Columns, value, n, null, 0);
        tape.Append(Operation.MatrixProduct, shape, value, x.Index, y.Index).Option = (transposeX ? 1 : 0) | (transposeY ? 2 : 0);
        return tape.Last;
    }

    /// <summary>The same elements under another shape; nothing is copied.</summary>
    public static Tensor Reshape(this Tape tape, Tensor x, Shape shape)
    {
        if (shape.Length != x.Shape.Length) throw new ArgumentException($"{x.Shape} cannot be read as {shape}.", nameof(shape));
        tape.Append(Operation.Reshape, shape, tape.Node(x.Index).Value, x.Index);
        return tape.Last;
    }

    /// <summary>An activation, element by element.</summary>
    public static Tensor Activate(this Tape tape, Tensor x, Activation activation) => tape.Apply(x, (Function)activation);

    /// <summary>eˣ.</summary>
    public static Tensor Exp(this Tape tape, Tensor x) => tape.Apply(x, Function.Exp);

    /// <summary>ln x.</summary>
    public static Tensor Log(this Tape tape, Tensor x) => tape.Apply(x, Function.Log);

    /// <summary>Softmax of each row.</summary>
    public static Tensor Softmax(this Tape tape, Tensor x)
    {
        var shape = x.Shape;
        var value = tape.Take(shape.Length);
        tape.Kernels.Softmax(tape.Node(x.Index).Value, value, shape.Rows, shape.Columns);
        tape.Append(Operation.Softmax, shape, value, x.Index);
        return tape.Last;
    }

    /// <summary>Sum of all elements.</summary>
    public static Tensor Sum(this Tape tape, Tensor x) => Reduce(tape, x, Operation.Sum, 1);

    /// <summary>Mean of all elements.</summary>
    public static Tensor Mean(this Tape tape, Tensor x) => Reduce(tape, x, Operation.Mean, x.Shape.Length);

    internal static Tensor Apply(this Tape tape, Tensor x, Function function)
    {
        var shape = x.Shape;
        var value = tape.Take(shape.Length);
        tape.Kernels.Apply(function, tape.Node(x.Index).Value, value, shape.Length);
        tape.Append(Operation.Function, shape, value, x.Index).Option = (int)function;
        return tape.Last;
    }

    private static Tensor Reduce(Tape tape, Tensor x, Operation operation, int divisor)
    {
        var value = tape.Take(1);
        *value = (float)(RowKernels<WideScalar>.Sum(tape.Node(x.Index).Value, x.Shape.Length) / divisor);
        tape.Append(operation, new Shape(1), value, x.Index).Number = 1f / divisor;
        return tape.Last;
    }

    // What AddRow takes.
    private static bool IsRowOf(Shape row, Shape matrix) => row.Length == row.Columns && row.Columns == matrix.Columns && row.Rank <= matrix.Rank && matrix.Rows > 1;

    private static (Shape Shape, nint Value) Same(Tape tape, ref Tensor x, ref Tensor y, string name)
    {
        tape.Align(ref x, ref y, name);
        return (x.Shape, (nint)tape.Take(x.Shape.Length));
    }
}
