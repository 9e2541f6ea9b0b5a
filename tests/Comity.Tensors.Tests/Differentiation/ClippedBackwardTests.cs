using Comity.Tensors.Differentiation;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Tensors.Tests.Differentiation;

/// <summary>The oracle passes every example on its own, clips its gradient as it comes, and adds up in double precision.</summary>
public sealed unsafe class ClippedBackwardTests
{
    private const int Examples = 7;
    private const float Clip = 0.3f;

    private static readonly ParameterLayout Layout = new([
        new("first.weight", [5, 6], 0), new("first.bias", [6], 30, ParameterRole.Bias),
        new("scale", [6], 36, ParameterRole.LayerNorm), new("shift", [6], 42, ParameterRole.LayerNorm),
        new("second.weight", [6, 3], 48), new("second.bias", [3], 66, ParameterRole.Bias), new("unused", [4], 69)]);

    public static TheoryData<string, int> Networks => new()
    {
        { "relu", 1 }, { "gelu", 1 }, { "tanh with norm", 1 }, { "identity", 1 },
        { "relu", 2 }, { "gelu", 3 }, { "tanh with norm", 4 }, { "identity", 40 },
    };

    [Theory]
    [MemberData(nameof(Networks))]
    public void The_sum_of_clipped_gradients_is_that_of_examples_passed_one_by_one(string network, int rowsOfEach)
    {
        var random = Seed.Of(3).For(network, rowsOfEach).ToRandom();
        var (parameters, gradient) = (Filled(Layout.Length, random), new AlignedBuffer(Layout.Length));
        var x = Filled(Examples * rowsOfEach * 5, random);
        // Examples of very different norms, so that some are clipped and some are not.
        for (var e = 0; e < Examples; e++)
        {
            foreach (ref var value in x.Span.Slice(e * rowsOfEach * 5, rowsOfEach * 5)) value *= 0.02f * (e + 1) * (e + 1);
        }
        var labels = new float[Examples * rowsOfEach];
        for (var i = 0; i < labels.Length; i++) labels[i] = i % 3;
        var tape = new Tape(Layout);

        tape.Begin(parameters, gradient);
        var loss = Build(tape, network, x.Span, labels);
        Assert.True(tape.CanClip(loss, Examples));
        var norms = new float[Examples];
        tape.BackwardClipped(loss, 1e6f, norms);
        var clip = norms.Order().ElementAt(Examples / 2) * 0.99f;
        tape.Begin(parameters, gradient);
        tape.BackwardClipped(Build(tape, network, x.Span, labels), clip, norms);
        var ghost = gradient.Span.ToArray();

        var (expected, clipped) = (new double[Layout.Length], 0);
        for (var e = 0; e < Examples; e++)
        {
            tape.Begin(parameters, gradient);
            tape.Backward(Build(tape, network, x.Span.Slice(e * rowsOfEach * 5, rowsOfEach * 5), labels.AsSpan(e * rowsOfEach, rowsOfEach)));
            var norm = Math.Sqrt(gradient.Span.ToArray().Sum(g => (double)g * g));
            Assert.Equal(norm, norms[e], 2e-5 * Math.Max(1e-3, norm));
            if (norm > clip) clipped++;
            for (var i = 0; i < expected.Length; i++) expected[i] += gradient.Span[i] * Math.Min(1, clip / norm);
        }
        Assert.InRange(clipped, 1, Examples - 1);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], ghost[i], 1e-5);
    }

    [Fact]
    public void A_clipped_pass_leaves_the_tape_as_it_was_for_ordinary_ones()
    {
        var random = Seed.Of(4).ToRandom();
        var (parameters, gradient, x) = (Filled(Layout.Length, random), new AlignedBuffer(Layout.Length), Filled(Examples * 5, random));
        var labels = new float[Examples];
        var tape = new Tape(Layout);
        float[] Plain()
        {
            tape.Begin(parameters, gradient);
            tape.Backward(Build(tape, "relu", x.Span, labels));
            return gradient.Span.ToArray();
        }
        var before = Plain();
        tape.Begin(parameters, gradient);
        tape.BackwardClipped(Build(tape, "relu", x.Span, labels), Clip, new float[Examples]);
        Assert.Equal(before, Plain());
    }

    [Fact]
    public void A_shared_layer_is_taken_and_examples_that_meet_are_not()
    {
        var random = Seed.Of(5).ToRandom();
        var square = new ParameterLayout([new("weight", [5, 5], 0), new("bias", [5], 25, ParameterRole.Bias)]);
        var (parameters, gradient, x) = (Filled(30, random), new AlignedBuffer(30), Filled(Examples * 5, random));
        var tape = new Tape(square);

        tape.Begin(parameters, gradient);
        var once = tape.Dense(tape.Constant(x.Span, new Shape(Examples, 5)), tape.Parameter(0), tape.Parameter(1));
        Assert.True(tape.CanClip(tape.MeanSquaredError(once, x.Span), Examples));
        var twice = tape.Dense(once, tape.Parameter(0), tape.Parameter(1));
        Assert.True(tape.CanClip(tape.MeanSquaredError(twice, x.Span), Examples));

        tape.Begin(parameters, gradient);
        var hidden = tape.Dense(tape.Constant(x.Span, new Shape(Examples, 5)), tape.Parameter(0), tape.Parameter(1));
        var mixed = tape.MatrixProduct(hidden, hidden, transposeX: true);
        Assert.False(tape.CanClip(tape.MeanSquaredError(mixed, new float[25]), Examples));
        Assert.Throws<InvalidOperationException>(() => tape.BackwardClipped(tape.Sum(hidden), Clip, new float[Examples]));
    }

    private static Tensor Build(Tape tape, string network, ReadOnlySpan<float> x, ReadOnlySpan<float> labels)
    {
        var rows = tape.Constant(x, new Shape(x.Length / 5, 5));
        var activation = network switch { "gelu" => Activation.Gelu, "relu" => Activation.Relu, _ => Activation.Identity };
        var hidden = tape.Dense(rows, tape.Parameter(0), tape.Parameter(1), activation);
        if (network == "tanh with norm") hidden = tape.Activate(tape.LayerNorm(hidden, tape.Parameter(2), tape.Parameter(3)), Activation.Tanh);
        return tape.SoftmaxCrossEntropy(tape.Dense(hidden, tape.Parameter(4), tape.Parameter(5)), labels);
    }

    private static AlignedBuffer Filled(int length, SeededRandom random)
    {
        var buffer = new AlignedBuffer(length);
        foreach (ref var value in buffer.Span) value = (float)random.NextGaussian();
        return buffer;
    }
}
