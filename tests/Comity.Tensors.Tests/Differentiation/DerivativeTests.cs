using System.Collections.Concurrent;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Tensors.Tests.Differentiation;

/// <summary>Every rule of the table against finite differences of the slow twin, whose double precision makes them exact to nine digits.</summary>
public sealed partial class DerivativeTests
{
    private const int Rows = 7;
    private const int Columns = 19;
    private static readonly float[] Labels = [0, 4, 2, 18, 7, 7, 1];
    private static readonly float[] Shares = [0, 1, 0.25f, 1, 0, 0.7f, 1];
    private static readonly float[] Weights = [1, 2, 0.5f, 1, 3, 1, 0.1f];

    private static readonly Dictionary<string, Case> Cases = Build();

    // The twin does not depend on the width, so its differences are taken once.
    private static readonly ConcurrentDictionary<string, (double Value, double[] Slopes)> Slow = new();

    public static MatrixTheoryData<string, VectorWidth> Every => new(Cases.Keys, Enum.GetValues<VectorWidth>());

    [Theory]
    [MemberData(nameof(Every))]
    public void Value_and_derivatives_are_those_of_the_slow_twin(string name, VectorWidth width)
    {
        var one = Cases[name];
        var builder = new ParameterLayoutBuilder();
        for (var i = 0; i < one.Shapes.Length; i++) builder.Add($"x{i}", ParameterRole.Weight, one.Shapes[i].Rows, one.Shapes[i].Columns);
        var layout = builder.Build();
        var parameters = new AlignedBuffer(layout.Length);
        var gradient = new AlignedBuffer(layout.Length);
        var random = Seed.Of(21).For(name).ToRandom();
        foreach (ref var p in parameters.Span) p = one.Positive ? 0.3f + random.NextSingle() : AwayFromZero(2 * random.NextSingle() - 1);
        gradient.Span.Fill(float.NaN); // nothing may be left of it

        var tape = new Tape(layout, KernelSet.Of(width));
        Tensor loss = default;
        for (var pass = 0; pass < 2; pass++) // the second pass runs on used memory
        {
            tape.Begin(parameters, gradient, one.Training ? random : null);
            var inputs = Enumerable.Range(0, one.Shapes.Length).Select(tape.Parameter).ToArray();
            loss = Weigh(tape, one.Build(tape, inputs));
            tape.Backward(loss);
        }

        var (expected, slopes) = Slow.GetOrAdd(name, _ => Differences(one, layout, parameters.Span));
        Assert.Equal(expected, loss.Scalar, 2e-5 * Math.Max(1, Math.Abs(expected)));
        for (var i = 0; i < slopes.Length; i++)
            Assert.True(Math.Abs(slopes[i] - gradient.Span[i]) <= 3e-5 * Math.Max(1, Math.Abs(slopes[i])), $"∂/∂x[{i}] = {gradient.Span[i]}, expected {slopes[i]}.");
    }

    [Fact]
    public void No_operation_is_without_a_case()
    {
        var covered = new HashSet<Operation>();
        foreach (var one in Cases.Values)
        {
            var builder = new ParameterLayoutBuilder();
            for (var i = 0; i < one.Shapes.Length; i++) builder.Add($"x{i}", ParameterRole.Weight, one.Shapes[i].Rows, one.Shapes[i].Columns);
            var layout = builder.Build();
            var tape = new Tape(layout);
            tape.Begin(new AlignedBuffer(layout.Length), new AlignedBuffer(layout.Length), one.Training ? Seed.Of(1).ToRandom() : null);
            var last = one.Build(tape, Enumerable.Range(0, one.Shapes.Length).Select(tape.Parameter).ToArray());
            for (var i = 0; i <= last.Index; i++) covered.Add(tape.Node(i).Operation);
        }
        // Dropout draws its mask, so its test is in LayerTests.
        var missing = Enum.GetValues<Operation>().Except(covered).Except([Operation.Leaf, Operation.Dropout]);
        Assert.Empty(missing);
    }

    private static Dictionary<string, Case> Build()
    {
        (int, int) matrix = (Rows, Columns), row = (1, Columns), wide = (Columns, 5), one = (Rows, 1);
        var cases = new Dictionary<string, Case>
        {
            ["add"] = new([matrix, matrix], (t, x) => t.Add(x[0], x[1]), x => x[0].Zip(x[1], (a, b) => a + b)),
            ["subtract"] = new([matrix, matrix], (t, x) => t.Subtract(x[0], x[1]), x => x[0].Zip(x[1], (a, b) => a - b)),
            ["multiply"] = new([matrix, matrix], (t, x) => t.Multiply(x[0], x[1]), x => x[0].Zip(x[1], (a, b) => a * b)),
            ["a value used three times"] = new([matrix], (t, x) => t.Add(t.Multiply(x[0], x[0]), x[0]), x => x[0].Map(a => a * a + a)),
            ["divide"] = new([matrix, matrix], (t, x) => t.Divide(x[0], x[1]), x => x[0].Zip(x[1], (a, b) => a / b)) { Positive = true },
            ["add row"] = new([matrix, row], (t, x) => t.AddRow(x[0], x[1]), x => x[0].PlusRow(x[1])),
            ["affine"] = new([matrix], (t, x) => t.Affine(x[0], -1.5f, 0.25f), x => x[0].Map(a => -1.5 * a + 0.25)),
            ["exp"] = new([matrix], (t, x) => t.Exp(x[0]), x => x[0].Map(Math.Exp)),
            ["log"] = new([matrix], (t, x) => t.Log(x[0]), x => x[0].Map(Math.Log)) { Positive = true },
            ["reshape"] = new([matrix], (t, x) => t.Reshape(x[0], new Shape(Columns, Rows)), x => new Twin(Columns, Rows, x[0].Values)),
            ["softmax"] = new([matrix], (t, x) => t.Softmax(x[0]), x => x[0].Softmax),
            ["sum"] = new([matrix], (t, x) => t.Sum(x[0]), x => Twin.Of(x[0].Values.Sum())),
            ["mean"] = new([matrix], (t, x) => t.Mean(x[0]), x => Twin.Of(x[0].Values.Average())),
            ["mean and sum of one value"] = new([matrix], (t, x) => t.Add(t.Mean(x[0]), t.Sum(x[0])), x => Twin.Of(x[0].Values.Average() + x[0].Values.Sum())),
            ["layer norm"] = new([matrix, row, row], (t, x) => t.LayerNorm(x[0], x[1], x[2]), x => x[0].LayerNorm(x[1], x[2])),
            ["layer norm of a value used twice"] = new([matrix, row, row], (t, x) => t.Add(x[0], t.LayerNorm(x[0], x[1], x[2])), x => x[0].Zip(x[0].LayerNorm(x[1], x[2]), (a, b) => a + b)),
            ["batch norm in training"] = new([matrix, row, row], (t, x) => t.BatchNorm(x[0], x[1], x[2], Row(t, 0), Row(t, 1)), x => x[0].BatchNorm(x[1], x[2])) { Training = true },
            ["batch norm in prediction"] = new([matrix, row, row], (t, x) => t.BatchNorm(x[0], x[1], x[2], Row(t, 0.5f), Row(t, 2)),
                x => x[0].Map(a => (a - 0.5) / Math.Sqrt(2 + 1e-5)).Affine(x[1], x[2])),
            ["softmax cross-entropy"] = new([matrix], (t, x) => t.SoftmaxCrossEntropy(x[0], Labels), x => CrossEntropy(x[0], null, 0)),
            ["softmax cross-entropy, weighted and smoothed"] = new([matrix], (t, x) => t.SoftmaxCrossEntropy(x[0], Labels, Weights, 0.1f), x => CrossEntropy(x[0], Weights, 0.1)),
            ["softmax cross-entropy with probabilities"] = new([matrix], (t, x) => t.SoftmaxCrossEntropyWithProbabilities(x[0], Probabilities()),
                x => Twin.Of(x[0].Softmax.Zip(new Twin(Rows, Columns, [.. Probabilities().Select(p => (double)p)]), (p, target) => -target * Math.Log(p)).Values.Sum() / Rows)),
            ["sigmoid cross-entropy"] = new([one], (t, x) => t.SigmoidCrossEntropy(x[0], Shares, Weights), x => Twin.Of(Enumerable.Range(0, Rows).Average(i =>
                Weights[i] * -(Shares[i] * Math.Log(Twin.Apply(Activation.Sigmoid, x[0].Values[i])) + (1 - Shares[i]) * Math.Log(Twin.Apply(Activation.Sigmoid, -x[0].Values[i])))))),
            ["mean squared error"] = new([one], (t, x) => t.MeanSquaredError(x[0], Labels), x => Errors(x[0], e => e * e)),
            ["mean absolute error"] = new([one], (t, x) => t.MeanAbsoluteError(x[0], Labels), x => Errors(x[0], Math.Abs)),
            ["huber"] = new([one], (t, x) => t.Huber(x[0], Shares, 0.4f), x => Twin.Of(Enumerable.Range(0, Rows).Average(i =>
            {
                var e = Math.Abs(x[0].Values[i] - Shares[i]);
                return e <= 0.4f ? 0.5 * e * e : 0.4f * (e - 0.5 * 0.4f);
            }))),
            ["a chain of layers"] = new([matrix, wide, (1, 5), (5, 1), (1, 1)], (t, x) => t.Dense(t.Dense(x[0], x[1], x[2], Activation.Tanh), x[3], x[4]),
                x => x[0].Times(x[1]).PlusRow(x[2]).Map(Math.Tanh).Times(x[3]).PlusRow(x[4])),
        };
        cases["dense onto a residual"] = new([matrix, (Columns, Columns), row], (t, x) => t.AddDense(x[0], t.Affine(x[0], 0.5f, 0), x[1], x[2]),
            x => x[0].Zip(x[0].Map(a => 0.5 * a).Times(x[1]).PlusRow(x[2]), (a, b) => a + b));
        cases["dense layers onto residuals"] = new([matrix, (Columns, Columns), row, (Columns, Columns), row],
            (t, x) => Enumerable.Range(0, 2).Aggregate(t.Affine(x[0], 2, 0), (sum, i) => t.AddDense(sum, sum, x[2 * i + 1], x[2 * i + 2])),
            x => Enumerable.Range(0, 2).Aggregate(x[0].Map(a => 2 * a), (sum, i) => sum.Zip(sum.Times(x[2 * i + 1]).PlusRow(x[2 * i + 2]), (a, b) => a + b)));
        cases["add row to a value used twice"] = new([matrix, row], (t, x) => t.Multiply(t.AddRow(t.Affine(x[0], 3, 0), x[1]), t.AddRow(t.Affine(x[0], 3, 0), x[1])),
            x => x[0].Map(a => 3 * a).PlusRow(x[1]).Map(a => a * a));
        foreach (var activation in Enum.GetValues<Activation>())
        {
            cases[$"activate {activation}"] = new([matrix], (t, x) => t.Activate(x[0], activation), x => x[0].Map(a => Twin.Apply(activation, a)));
            cases[$"dense {activation}"] = new([matrix, wide, (1, 5)], (t, x) => t.Dense(x[0], x[1], x[2], activation), x => x[0].Times(x[1]).PlusRow(x[2]).Map(a => Twin.Apply(activation, a)));
        }
        foreach (var (ta, tb) in new[] { (false, false), (true, false), (false, true), (true, true) })
        {
            (int, int) left = ta ? (Columns, Rows) : matrix, right = tb ? (5, Columns) : wide;
            cases[$"matrix product {ta} {tb}"] = new([left, right], (t, x) => t.MatrixProduct(x[0], x[1], ta, tb), x => (ta ? x[0].Transposed : x[0]).Times(tb ? x[1].Transposed : x[1]));
        }
        AddSequences(cases);
        AddImages(cases);
        AddBroadcasts(cases);
        cases["a matrix times its transpose"] = new([matrix], (t, x) => t.MatrixProduct(x[0], x[0], transposeY: true), x => x[0].Times(x[0].Transposed));
        return cases;
    }

    private static Tensor Row(Tape tape, float value) => tape.Constant(Enumerable.Repeat(value, Columns).ToArray(), new Shape(Columns));

    private static float[] Probabilities() => [.. Enumerable.Range(0, Rows * Columns).Select(i => (float)(1 + i % Columns % 3) / Enumerable.Range(0, Columns).Sum(j => 1 + j % 3))];

    private static Twin Errors(Twin x, Func<double, double> f) => Twin.Of(Enumerable.Range(0, Rows).Average(i => f(x.Values[i] - Labels[i])));

    private static Twin CrossEntropy(Twin z, float[]? weights, double smoothing)
    {
        var p = z.Softmax;
        return Twin.Of(Enumerable.Range(0, Rows).Average(i => (weights?[i] ?? 1)
            * -Enumerable.Range(0, Columns).Sum(j => ((j == (int)Labels[i] ? 1 - smoothing : 0) + smoothing / Columns) * Math.Log(p[i, j]))));
    }

    // Kinks at zero have no derivative to compare.
    private static float AwayFromZero(float x) => MathF.Abs(x) < 0.01f ? 0.1f : x;

    // Each element counts with another weight, so that no mistake cancels.
    private static double Weight(int i) => 0.3 + i * 7 % 11 * 0.1;

    private static Tensor Weigh(Tape tape, Tensor y)
    {
        var weights = Enumerable.Range(0, y.Shape.Length).Select(i => (float)Weight(i)).ToArray();
        return tape.Sum(tape.Multiply(y, tape.Constant(weights, y.Shape)));
    }

    private static (double Value, double[] Slopes) Differences(Case one, ParameterLayout layout, ReadOnlySpan<float> parameters)
    {
        const double H = 1e-5;
        var x = parameters.ToArray().Select(v => (double)v).ToArray();
        var slopes = new double[x.Length];
        for (var i = 0; i < x.Length; i++)
        {
            var saved = x[i];
            x[i] = saved + H;
            var above = TwinLoss(one, layout, x);
            x[i] = saved - H;
            slopes[i] = (above - TwinLoss(one, layout, x)) / (2 * H);
            x[i] = saved;
        }
        return (TwinLoss(one, layout, x), slopes);
    }

    private static double TwinLoss(Case one, ParameterLayout layout, double[] x)
    {
        var inputs = layout.Entries.Select(e => new Twin(e.Shape[0], e.Shape[1], x[e.Offset..(e.Offset + e.Length)])).ToArray();
        return one.Twin(inputs).Values.Select((y, i) => y * (float)Weight(i)).Sum();
    }

    private sealed record Case((int Rows, int Columns)[] Shapes, Func<Tape, Tensor[], Tensor> Build, Func<Twin[], Twin> Twin)
    {
        public bool Positive { get; init; }

        public bool Training { get; init; }
    }
}
