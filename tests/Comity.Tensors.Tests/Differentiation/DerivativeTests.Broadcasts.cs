using Comity.Tensors.Differentiation;

namespace Comity.Tensors.Tests.Differentiation;

/// <summary>The cases of operands that are repeated and of sums over an axis.</summary>
public sealed partial class DerivativeTests
{
    private static void AddBroadcasts(Dictionary<string, Case> cases)
    {
        (int, int) left = (6, 5), right = (12, 1); // [2, 3, 1, 5] and [3, 4, 1]: together [2, 3, 4, 5]
        static Tensor Left(Tape t, Tensor x) => t.Reshape(x, new Shape(2, 3, 1, 5));
        static Tensor Right(Tape t, Tensor x) => t.Reshape(x, new Shape(3, 4, 1));
        static Twin Both(Twin[] x, Func<double, double, double> f) => Twin.Make(24, 5, (i, j) => f(x[0][i / 12 * 3 + i / 4 % 3, j], x[1][i % 12, 0]));
        cases["broadcast sum"] = new([left, right], (t, x) => t.Add(Left(t, x[0]), Right(t, x[1])), x => Both(x, (a, b) => a + b));
        cases["broadcast difference"] = new([left, right], (t, x) => t.Subtract(Left(t, x[0]), Right(t, x[1])), x => Both(x, (a, b) => a - b));
        cases["broadcast product"] = new([left, right], (t, x) => t.Multiply(Left(t, x[0]), Right(t, x[1])), x => Both(x, (a, b) => a * b));
        cases["broadcast quotient"] = new([left, right], (t, x) => t.Divide(Left(t, x[0]), Right(t, x[1])), x => Both(x, (a, b) => a / b)) { Positive = true };
        cases["a row first"] = new([(1, Columns), (Rows, Columns)], (t, x) => t.Add(t.Reshape(x[0], new Shape(Columns)), x[1]), x => x[1].PlusRow(x[0]));
        cases["a column used twice"] = new([(Rows, Columns), (Rows, 1)], (t, x) => t.Add(t.Multiply(x[0], x[1]), x[1]), x => Twin.Make(Rows, Columns, (i, j) => (x[0][i, j] + 1) * x[1][i, 0]));
        cases["one number for a matrix"] = new([(Rows, Columns), (1, 1)], (t, x) => t.Multiply(t.Reshape(x[1], new Shape(1)), x[0]), x => x[0].Map(a => a * x[1][0, 0]));
        for (var axis = 0; axis < 4; axis++)
        {
            var over = axis;
            cases[$"sum over axis {axis}"] = new([(24, 5)], (t, x) => t.Sum(Whole(t, x[0]), over), x => OverAxis(x[0], over));
            // Shares of the sum: what is summed is used twice, and the sum is repeated along the axis again.
            cases[$"shares along axis {axis}"] = new([(24, 5)], (t, x) => t.Divide(Whole(t, x[0]), t.Sum(Whole(t, x[0]), over - 4, keep: true)),
                x => Twin.Make(24, 5, (i, j) => x[0][i, j] / OverAxis(x[0], over).Values[Place(i, j, over)]))
            { Positive = true };
        }
        cases["mean over an axis"] = new([(24, 5)], (t, x) => t.Mean(Whole(t, x[0]), 1), x => OverAxis(x[0], 1).Map(a => a / 3));
    }

    private static Tensor Whole(Tape tape, Tensor x) => tape.Reshape(x, new Shape(2, 3, 4, 5));

    private static Twin OverAxis(Twin x, int axis)
    {
        int[] kept = [.. Sizes.Where((_, a) => a != axis)];
        var sums = new double[120 / Sizes[axis]];
        for (var i = 0; i < 24; i++)
        {
            for (var j = 0; j < 5; j++) sums[Place(i, j, axis)] += x[i, j];
        }
        return new Twin(kept[0] * kept[1], kept[2], sums);
    }

    private static readonly int[] Sizes = [2, 3, 4, 5];

    // Where an element lies once an axis is gone.
    private static int Place(int i, int j, int axis)
    {
        int[] index = [i / 12, i / 4 % 3, i % 4, j];
        return Enumerable.Range(0, 4).Where(a => a != axis).Aggregate(0, (place, a) => place * Sizes[a] + index[a]);
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_named()
    {
        var tape = new Tape(new Comity.Tensors.Parameters.ParameterLayoutBuilder().Build());
        tape.Begin(new Comity.Tensors.Memory.AlignedBuffer(0), new Comity.Tensors.Memory.AlignedBuffer(0), null);
        Tensor x = tape.Constant(new float[6], new Shape(2, 3)), y = tape.Constant(new float[2], new Shape(2));
        Assert.Contains("[2, 3] and [2]", Assert.Throws<ArgumentException>(() => tape.Multiply(x, y)).Message, StringComparison.Ordinal);
        Assert.Contains("[2, 3] cannot be repeated to [3]", Assert.Throws<ArgumentException>(() => tape.Broadcast(x, new Shape(3))).Message, StringComparison.Ordinal);
        Assert.Contains("[2, 3] has no such axis", Assert.Throws<ArgumentOutOfRangeException>(() => tape.Sum(x, 2)).Message, StringComparison.Ordinal);
    }
}
