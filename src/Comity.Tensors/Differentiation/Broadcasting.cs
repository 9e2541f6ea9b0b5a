using Comity.Tensors.Kernels;

namespace Comity.Tensors.Differentiation;

/// <summary>Operands of different shapes, and sums over single axes: two operations, each the other's derivative.</summary>
/// <remarks>
/// The rule is NumPy's: shapes are aligned at their last size, and a size of 1, or one that is missing, is repeated. What is repeated is
/// copied, for kernels read whole matrices; an equal shape costs nothing, and a row added to a matrix has an operation of its own.
/// </remarks>
public static unsafe class Broadcasting
{
    /// <summary>x repeated to a shape.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">A tensor whose sizes, aligned at the last one, are 1 or those of the shape.</param>
    /// <param name="shape">The shape, of no lower rank.</param>
    /// <exception cref="ArgumentException">A size is neither 1 nor that of the shape.</exception>
    public static Tensor Broadcast(this Tape tape, Tensor x, Shape shape)
    {
        if (x.Shape == shape) return x;
        if (!Shape.TryBroadcast(x.Shape, shape, out var common) || common != shape) throw new ArgumentException($"{x.Shape} cannot be repeated to {shape}: a size must be 1 or the same.", nameof(shape));
        var value = tape.Take(shape.Length);
        Repeat(tape.Kernels, tape.Node(x.Index).Value, x.Shape, value, shape, accumulate: false);
        tape.Append(Operation.Broadcast, shape, value, x.Index);
        return tape.Last;
    }

    /// <summary>Sum over one axis.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">At least one size.</param>
    /// <param name="axis">Which size is summed over, from 0; negative: from the last one, −1.</param>
    /// <param name="keep">Whether the axis stays, as a size of 1; otherwise it goes (a vector's sum has shape [1]).</param>
    public static Tensor Sum(this Tape tape, Tensor x, int axis, bool keep = false)
    {
        var from = x.Shape;
        if (axis < 0) axis += from.Rank;
        if ((uint)axis >= (uint)from.Rank) throw new ArgumentOutOfRangeException(nameof(axis), axis, $"{from} has no such axis.");
        var kept = from.With(axis, 1);
        var value = tape.Take(kept.Length);
        Collect(tape.Kernels, tape.Node(x.Index).Value, from, value, kept, accumulate: false);
        tape.Append(Operation.AxisSum, kept, value, x.Index);
        return keep || from.Rank == 1 ? tape.Last : tape.Reshape(tape.Last, kept.Without(axis));
    }

    /// <summary>Mean over one axis.</summary>
    /// <inheritdoc cref="Sum(Tape, Tensor, int, bool)"/>
    public static Tensor Mean(this Tape tape, Tensor x, int axis, bool keep = false)
    {
        var sum = tape.Sum(x, axis, keep);
        return tape.Affine(sum, (float)sum.Shape.Length / x.Shape.Length, 0);
    }

    /// <summary>Both operands in the shape that holds them.</summary>
    internal static void Align(this Tape tape, ref Tensor x, ref Tensor y, string name)
    {
        if (x.Shape == y.Shape) return;
        if (!Shape.TryBroadcast(x.Shape, y.Shape, out var shape)) throw new ArgumentException($"{name} needs shapes that fit, aligned at the last size and 1 or the same in each; found {x.Shape} and {y.Shape}.", nameof(y));
        (x, y) = (tape.Broadcast(x, shape), tape.Broadcast(y, shape));
    }

    /// <summary>target = x repeated, or target += x repeated.</summary>
    internal static void Repeat(KernelSet kernels, float* x, Shape from, float* target, Shape to, bool accumulate)
    {
        var walk = new Walk(from, to);
        for (nint row = 0; row < walk.Rows; row++, target += walk.Columns)
        {
            var source = x + walk.Small(row);
            if (walk.WholeRows && accumulate) kernels.Add(source, target, target, walk.Columns);
            else if (walk.WholeRows) new ReadOnlySpan<float>(source, walk.Columns).CopyTo(new Span<float>(target, walk.Columns));
            else if (accumulate) kernels.Affine(1, *source, target, target, walk.Columns);
            else new Span<float>(target, walk.Columns).Fill(*source);
        }
    }

    /// <summary>target = x summed over what the target lacks, or target += that.</summary>
    internal static void Collect(KernelSet kernels, float* x, Shape from, float* target, Shape to, bool accumulate)
    {
        if (!accumulate) new Span<float>(target, to.Length).Clear();
        var walk = new Walk(to, from);
        for (nint row = 0; row < walk.Rows; row++, x += walk.Columns)
        {
            var sum = target + walk.Small(row);
            if (walk.WholeRows) kernels.Add(x, sum, sum, walk.Columns);
            else *sum += (float)RowKernels<WideScalar>.Sum(x, walk.Columns);
        }
    }

    // Rows of the large shape, and where in the small one each belongs.
    private readonly struct Walk
    {
        private readonly int _size1, _size2;
        private readonly nint _step0, _step1, _step2;

        public Walk(Shape small, Shape large)
        {
            Columns = large.Columns;
            Rows = large.Rows;
            WholeRows = small.Columns == Columns;
            (_size1, _size2) = (large.FromEnd(3), large.FromEnd(2));
            nint step = small.Columns;
            Step(2, ref _step2, ref step);
            Step(3, ref _step1, ref step);
            Step(4, ref _step0, ref step);

            void Step(int fromEnd, ref nint own, ref nint next)
            {
                var size = small.FromEnd(fromEnd);
                own = size == 1 ? 0 : next;
                next *= size;
            }
        }

        public int Columns { get; }

        public nint Rows { get; }

        public bool WholeRows { get; }

        public nint Small(nint row) => (row / _size2 / _size1 * _step0) + (row / _size2 % _size1 * _step1) + (row % _size2 * _step2);
    }
}
