using Comity.Tensors.Differentiation;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.Tensors.Tests.Differentiation;

/// <summary>The oracle passes every image on its own, clips its gradient as it comes, and adds up in double precision.</summary>
public sealed unsafe class ClippedImagesTests
{
    private const int Examples = 6, Pixels = 9 * 8, Channels = 4;

    private static readonly Dictionary<string, (ParameterLayout Layout, Func<Tape, Tensor, Tensor> Scores)> Networks = new()
    {
        ["padding, stride, bias"] = (
            Layout(("w", [6, 4, 3, 3]), ("b", [6]), ("dw", [6 * 5 * 4, 3]), ("db", [3])),
            (t, x) => Last(t, t.Convolution(x, t.Parameter(0), t.Parameter(1), new(2, 2, 1, 1), Activation.Relu), 2)),
        ["gelu, no bias, groups, dilation"] = (
            Layout(("w", [8, 2, 3, 3]), ("dw", [8 * 9 * 8, 3]), ("db", [3])),
            (t, x) => Last(t, t.Convolution(x, t.Parameter(0), null, new(1, 1, 2, 2, 2, 2, 2), Activation.Gelu), 1)),
        ["two layers, the second of few pixels, pooled"] = (
            Layout(("w", [8, 4, 5, 5]), ("b", [8]), ("v", [24, 8, 3, 3]), ("c", [24]), ("dw", [24, 3]), ("db", [3])),
            (t, x) =>
            {
                var y = t.MaxPool(t.Convolution(x, t.Parameter(0), t.Parameter(1), new(1, 1, 2, 2)), PoolingWindow.Square(2));
                y = t.AveragePool(t.Activate(y, Activation.Tanh), PoolingWindow.Square(2, 1));
                return Last(t, t.GlobalAveragePool(t.Convolution(y, t.Parameter(2), t.Parameter(3), new(2, 2, 1, 1), activation: Activation.LeakyRelu)), 4);
            }
        ),
        ["depthwise, pointwise, group norm"] = (
            Layout(("w", [4, 1, 3, 3]), ("v", [8, 4, 1, 1]), ("scale", [8]), ("shift", [8]), ("dw", [8, 3]), ("db", [3])),
            (t, x) =>
            {
                var y = t.Convolution(t.Convolution(x, t.Parameter(0), null, new(1, 2, 1, 1, 1, 1, 4)), t.Parameter(1));
                return Last(t, t.GlobalAveragePool(t.Activate(t.GroupNorm(y, t.Parameter(2), t.Parameter(3), 2), Activation.Relu)), 4);
            }
        ),
        ["residual"] = (
            Layout(("w", [4, 4, 3, 3]), ("b", [4]), ("v", [4, 4, 3, 3]), ("c", [4]), ("s", [4, 4, 1, 1]), ("e", [4]), ("dw", [4 * 5 * 4, 3]), ("db", [3])),
            (t, x) =>
            {
                var first = t.Convolution(x, t.Parameter(0), t.Parameter(1), new(2, 2, 1, 1), Activation.Relu);
                var y = t.Add(t.Convolution(first, t.Parameter(2), t.Parameter(3), new(1, 1, 1, 1)), t.Convolution(x, t.Parameter(4), t.Parameter(5), new(2, 2)));
                return Last(t, t.Activate(t.Add(y, first), Activation.Relu), 6);
            }
        ),
        ["transposed"] = (
            Layout(("w", [6, 4, 3, 3]), ("v", [6, 2, 3, 3]), ("c", [4]), ("dw", [4 * 9 * 7, 3]), ("db", [3])),
            (t, x) =>
            {
                var y = t.Convolution(x, t.Parameter(0), null, new(2, 2, 1, 1), Activation.Relu);
                return Last(t, t.TransposedConvolution(y, t.Parameter(1), t.Parameter(2), new(2, 2, 1, 1, 1, 1, 2), activation: Activation.Relu), 3);
            }
        ),
        ["series"] = (
            Layout(("w", [10, 4, 5]), ("b", [10]), ("dw", [10 * 36, 3]), ("db", [3])),
            (t, x) => Last(t, t.Convolution(t.Reshape(x, new Shape(x.Shape[0], Pixels, Channels)), t.Parameter(0), t.Parameter(1), new(1, 2, 0, 2), Activation.Sigmoid), 2)),
    };

    public static TheoryData<string> Names => [.. Networks.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_sum_of_clipped_gradients_is_that_of_images_passed_one_by_one(string name)
    {
        var (layout, scores) = Networks[name];
        var random = Seed.Of(11).For(name).ToRandom();
        var (parameters, gradient) = (Filled(layout.Length, random, 0.3f), new AlignedBuffer(layout.Length));
        var x = Filled(Examples * Pixels * Channels, random, 1);
        float[] labels = [0, 1, 2, 1, 0, 2];
        var tape = new Tape(layout);
        Tensor Loss(int first, int count) =>
            tape.SoftmaxCrossEntropy(scores(tape, tape.Constant(x.Span.Slice(first * Pixels * Channels, count * Pixels * Channels), new Shape(count, 9, 8, Channels))), labels.AsSpan(first, count));

        var (norms, clip) = (new float[Examples], 1e6f);
        for (var pass = 0; pass < 2; pass++)
        {
            tape.Begin(parameters, gradient);
            var loss = Loss(0, Examples);
            Assert.True(tape.CanClip(loss, Examples));
            tape.BackwardClipped(loss, clip, norms);
            if (pass == 0) clip = norms.Order().ElementAt(Examples / 2) * 0.97f;
        }
        var ghost = gradient.Span.ToArray();

        var (expected, clipped) = (new double[layout.Length], 0);
        for (var e = 0; e < Examples; e++)
        {
            tape.Begin(parameters, gradient);
            tape.Backward(Loss(e, 1));
            var norm = Math.Sqrt(gradient.Span.ToArray().Sum(g => (double)g * g));
            Assert.Equal(norm, norms[e], 2e-5 * norm);
            if (norm > clip) clipped++;
            for (var i = 0; i < expected.Length; i++) expected[i] += gradient.Span[i] * Math.Min(1, clip / norm);
        }
        Assert.InRange(clipped, 1, Examples - 1);
        var longest = expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], ghost[i], 2e-5 * longest);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_warm_tape_clips_without_allocating_more_than_a_plain_pass_in_little_more_memory_and_with_the_same_bits_each_time(string name)
    {
        var (layout, scores) = Networks[name];
        var random = Seed.Of(12).For(name).ToRandom();
        var (parameters, gradient, x) = (Filled(layout.Length, random, 0.3f), new AlignedBuffer(layout.Length), Filled(Examples * Pixels * Channels, random, 1));
        var (labels, norms) = (new float[Examples], new float[Examples]);
        nint Pass(Tape tape, bool clips)
        {
            tape.Begin(parameters, gradient);
            var loss = tape.SoftmaxCrossEntropy(scores(tape, tape.Constant(x.Span, new Shape(Examples, 9, 8, Channels))), labels);
            if (clips) tape.BackwardClipped(loss, 0.1f, norms);
            else tape.Backward(loss);
            return tape.Capacity;
        }
        Tape plain = new(layout), clipped = new(layout);
        long Allocated(Tape tape, bool clips) => Allocations.Of(() =>
        {
            for (var i = 0; i < 20; i++) Pass(tape, clips);
        });
        for (var i = 0; i < 3; i++) _ = (Pass(plain, clips: false), Pass(clipped, clips: true));
        var bits = gradient.Span.ToArray();
        Assert.InRange((double)Pass(clipped, clips: true) / Pass(plain, clips: false), 0.9, 1.1);
        Assert.NotEqual(bits, gradient.Span.ToArray());
        // The network itself makes a window for some of its layers.
        Allocations.AssertSame(() => Allocated(plain, clips: false), () => Allocated(clipped, clips: true));
        Assert.Equal(bits, gradient.Span.ToArray());
    }

    private static Tensor Last(Tape tape, Tensor x, int weight) =>
        tape.Dense(x.Shape.Rank == 2 ? x : tape.Reshape(x, new Shape(x.Shape[0], x.Shape.Length / x.Shape[0])), tape.Parameter(weight), tape.Parameter(weight + 1));

    private static ParameterLayout Layout(params (string Name, int[] Shape)[] parameters)
    {
        var builder = new ParameterLayoutBuilder();
        foreach (var (name, shape) in parameters) builder.Add(name, ParameterRole.Weight, shape);
        return builder.Build();
    }

    private static AlignedBuffer Filled(int length, SeededRandom random, float scale)
    {
        var buffer = new AlignedBuffer(length);
        foreach (ref var value in buffer.Span) value = scale * (float)random.NextGaussian();
        return buffer;
    }
}
