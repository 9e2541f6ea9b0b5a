using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;
using Comity.Tensors.Threading;
using Comity.Testing;

namespace Comity.Tensors.Tests.Differentiation;

/// <summary>The oracle passes every text on its own, clips its gradient as it comes, and adds up in double precision.</summary>
public sealed class ClippedSequencesTests
{
    private const int Examples = 6, Steps = 9, Vocabulary = 13, Width = 8;

    // Repeated tokens, one text of a single token, and padding (0) of different lengths.
    private static readonly float[][] Texts =
    [
        [3, 4, 3, 3, 5, 1, 4, 3, 12], [7, 7, 7, 7, 7, 7, 7, 7, 7], [2, 9, 2, 0, 0, 0, 0, 0, 0],
        [5, 6, 7, 8, 9, 10, 0, 0, 0], [11, 0, 0, 0, 0, 0, 0, 0, 0], [1, 2, 1, 2, 1, 2, 1, 2, 0],
    ];

    // The tokens to predict, by text: of different numbers, and none of the fifth text.
    private static readonly int[][] Hidden = [[0, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8], [2], [0, 1, 5], [], [0, 7]];

    private static readonly (string Name, int[] Shape)[] Bert =
    [
        ("tokens", [Vocabulary, Width]), ("positions", [Steps, Width]), ("segments", [2, Width]), ("g", [Width]), ("s", [Width]), ("qkv", [Width, 3 * Width]), ("qkvb", [3 * Width]),
        ("o", [Width, Width]), ("ob", [Width]), ("up", [Width, 20]), ("upb", [20]), ("down", [20, Width]), ("downb", [Width]), ("g2", [Width]), ("s2", [Width]),
        ("out", [Width, 3]), ("outb", [3]), ("v", [Width, Vocabulary]), ("vb", [Vocabulary]),
    ];

    private static readonly (string Name, int[] Shape)[] Gpt =
    [
        ("tokens", [Vocabulary, Width]), ("g", [Width]), ("qkv", [Width, 3 * Width]), ("qkvb", [3 * Width]), ("o", [Width, Width]), ("ob", [Width]), ("g2", [Width]), ("up", [Width, 20]),
        ("upb", [20]), ("down", [10, Width]), ("downb", [Width]), ("g3", [Width]),
    ];

    private static readonly Dictionary<string, ((string Name, int[] Shape)[] Layout, Func<Tape, Batch, Tensor> Loss)> Networks = new()
    {
        ["classes of the mean of an encoder's states"] = (Bert[..^2], (t, b) => Classes(t, t.Dense(t.StepMean(Cut(t, Encode(t, b)), b.Lengths), t.Parameter(15), t.Parameter(16)), b)),
        ["classes of an encoder's first state"] = (Bert[..^2], (t, b) => Classes(t, t.Dense(t.Gather(Encode(t, b), b.Firsts), t.Parameter(15), t.Parameter(16)), b)),
        ["hidden tokens of an encoder"] = ([.. Bert[..^4], .. Bert[^2..]], (t, b) => Tokens(t, t.Dense(t.Gather(Encode(t, b), b.Places), t.Parameter(15), t.Parameter(16)), b)),
        ["hidden tokens, tied"] = (Bert[..^4], (t, b) => Tokens(t, t.MatrixProduct(t.Gather(Encode(t, b), b.Places), t.Parameter(0), transposeY: true), b)),
        ["tokens of a decoder, tied"] = (Gpt, (t, b) => Tokens(t, t.MatrixProduct(t.Gather(Decode(t, b), b.Places), t.Parameter(0), transposeY: true), b)),
        ["every token of a decoder, tied"] = (Gpt, (t, b) => t.SoftmaxCrossEntropy(t.MatrixProduct(Decode(t, b), t.Parameter(0), transposeY: true), b.All)),
        ["a matrix read in every way"] = ([("w", [Vocabulary, Vocabulary]), ("b", [Vocabulary]), ("rows", [Vocabulary])], (t, b) =>
        {
            Tensor w = t.Parameter(0), bias = t.Parameter(1);
            var x = t.AddRow(t.Add(t.Embed(b.Input(t), w), t.Embed(b.Input(t, 1), w)), bias);
            x = t.Dense(t.Dense(x, w, bias, Activation.Tanh), w, bias, Activation.Gelu);
            x = t.AddRow(t.MatrixProduct(t.Activate(t.MatrixProduct(x, w), Activation.Tanh), w, transposeY: true), t.Parameter(2));
            return Tokens(t, t.Gather(x, b.Places), b);
        }
        ),
        ["a recurrent layer both ways over the same gates"] = ([("tokens", [Vocabulary, 3]), ("in", [3, 4]), ("inb", [4]), ("w", [4, 4]), ("back", [4, 4]), ("b", [4]), ("out", [4, Vocabulary]), ("outb", [Vocabulary])], (t, b) =>
        {
            var gates = t.Reshape(t.Dense(b.InTime(t), t.Parameter(1), t.Parameter(2)), new Shape(Steps, b.Count, 4));
            var both = t.Add(t.Recurrent(RecurrentKind.Rnn, gates, t.Parameter(3), null, false, b.Lengths), t.Recurrent(RecurrentKind.Rnn, gates, t.Parameter(4), t.Parameter(5), true, b.Lengths));
            return Tokens(t, t.Dense(t.Gather(both, b.PlacesInTime), t.Parameter(6), t.Parameter(7)), b);
        }
        ),
        ["recurrent layers, activated and normalised before"] = ([
            ("tokens", [Vocabulary, 3]), ("in", [3, 16]), ("inb", [16]), ("w", [4, 16]), ("g", [4]), ("s", [4]), ("next", [4, 12]), ("nextb", [12]), ("v", [4, 12]), ("vb", [12]), ("g2", [4]), ("out", [4, 3]), ("outb", [3])], (t, b) =>
        {
            var x = t.Recurrent(RecurrentKind.Lstm, t.Reshape(t.Dense(b.InTime(t), t.Parameter(1), t.Parameter(2), Activation.Tanh), new Shape(Steps, b.Count, 16)), t.Parameter(3), null, true, b.Lengths);
            x = t.Dense(t.LayerNorm(t.Reshape(x, new Shape(Steps * b.Count, 4)), t.Parameter(4), t.Parameter(5)), t.Parameter(6), t.Parameter(7));
            x = t.Recurrent(RecurrentKind.Gru, t.Reshape(x, new Shape(Steps, b.Count, 12)), t.Parameter(8), t.Parameter(9), false, b.Lengths);
            x = t.Block(t.RmsNorm(t.Reshape(x, new Shape(Steps * b.Count, 4)), t.Parameter(10)), (Steps - 1) * b.Count, b.Count);
            return Classes(t, t.Dense(x, t.Parameter(11), t.Parameter(12)), b);
        }
        ),
        ["few steps and wide layers"] = ([("tokens", [Vocabulary, 3]), ("up", [3, 40]), ("upb", [40]), ("w", [40, 40]), ("down", [40, Vocabulary]), ("downb", [Vocabulary])], (t, b) =>
        {
            var x = t.Dense(t.Embed(b.Input(t), t.Parameter(0)), t.Parameter(1), t.Parameter(2), Activation.Gelu);
            return Tokens(t, t.Dense(t.Gather(t.MatrixProduct(x, t.Parameter(3)), b.Places), t.Parameter(4), t.Parameter(5)), b);
        }
        ),
    };

    public static TheoryData<string, VectorWidth> Names => [.. Networks.Keys.SelectMany(n => new[] { VectorWidth.Bits256, VectorWidth.Bits128 }.Select(w => (n, w)))];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_sum_of_clipped_gradients_is_that_of_texts_passed_one_by_one(string name, VectorWidth width)
    {
        var (shapes, build) = Networks[name];
        var layout = Layout(shapes);
        var (parameters, gradient, tape) = (Filled(layout.Length, Seed.Of(21).For(name).ToRandom()), new AlignedBuffer(layout.Length), new Tape(layout, KernelSet.Of(width)));
        var (norms, clip) = (new float[Examples], 1e6f);
        for (var pass = 0; pass < 2; pass++)
        {
            tape.Begin(parameters, gradient);
            var loss = build(tape, new Batch(0, Examples));
            Assert.True(tape.CanClip(loss, Examples));
            tape.BackwardClipped(loss, clip, norms);
            if (pass == 0) clip = norms.Order().ElementAt(Examples / 2) * 0.97f;
        }
        var ghost = gradient.Span.ToArray();

        var (expected, clipped) = (new double[layout.Length], 0);
        for (var e = 0; e < Examples; e++)
        {
            var own = new Batch(e, 1);
            if (norms[e] == 0)
            {
                Assert.Empty(own.Places); // nothing of it is predicted
                continue;
            }
            tape.Begin(parameters, gradient);
            tape.Backward(build(tape, own));
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
    public void A_warm_tape_clips_without_allocating_and_with_the_same_bits_each_time(string name, VectorWidth width)
    {
        var (shapes, build) = Networks[name];
        var layout = Layout(shapes);
        var (parameters, gradient, norms) = (Filled(layout.Length, Seed.Of(22).For(name).ToRandom()), new AlignedBuffer(layout.Length), new float[Examples]);
        var (batch, tape) = (new Batch(0, Examples), new Tape(layout, KernelSet.Of(width)));
        long Pass(bool clips)
        {
            tape.Begin(parameters, gradient);
            var loss = build(tape, batch);
            return Allocations.Of(() =>
            {
                if (clips) tape.BackwardClipped(loss, 0.1f, norms);
                else tape.Backward(loss);
            });
        }
        for (var i = 0; i < 3; i++) Pass(clips: true);
        var bits = gradient.Span.ToArray();
        Pass(clips: false);
        Assert.NotEqual(bits, gradient.Span.ToArray());
        Assert.Equal([0], Allocations.Least(least => least[0] == 0, () => Pass(clips: true)));
        Assert.Equal(bits, gradient.Span.ToArray());
    }

    [Theory]
    [InlineData("classes of the mean of an encoder's states")]
    [InlineData("hidden tokens, tied")]
    [InlineData("every token of a decoder, tied")]
    [InlineData("recurrent layers, activated and normalised before")]
    public void A_clipped_pass_of_many_texts_takes_little_more_memory_and_has_the_same_bits_for_any_number_of_threads(string name)
    {
        const int Many = 360;
        var (shapes, build) = Networks[name];
        var layout = Layout(shapes);
        var (parameters, gradient, batch) = (Filled(layout.Length, Seed.Of(25).For(name).ToRandom()), new AlignedBuffer(layout.Length), new Batch(0, Many));
        (float[] Gradient, nint Capacity) Pass(Team? team, bool clips)
        {
            var tape = new Tape(layout, KernelSet.Of(VectorWidth.Bits256).With(team));
            for (var i = 0; i < 3; i++)
            {
                tape.Begin(parameters, gradient);
                var loss = build(tape, batch);
                if (clips) tape.BackwardClipped(loss, 0.1f, new float[Many]);
                else tape.Backward(loss);
            }
            return (gradient.Span.ToArray(), tape.Capacity);
        }
        using var team = new Team(3);
        var (bits, clipped) = Pass(null, clips: true);
        Assert.InRange((double)clipped / Pass(null, clips: false).Capacity, 0.8, 1.2);
        Assert.Equal(bits, Pass(team, clips: true).Gradient);
    }

    [Fact]
    public void Examples_whose_share_depends_on_how_many_tokens_others_have_are_not_taken()
    {
        var (shapes, _) = Networks["hidden tokens, tied"];
        var layout = Layout(shapes);
        var (parameters, gradient, tape) = (Filled(layout.Length, Seed.Of(23).ToRandom()), new AlignedBuffer(layout.Length), new Tape(layout));
        var b = new Batch(0, Examples);
        bool Takes(Func<Tensor, Tensor> loss)
        {
            tape.Begin(parameters, gradient);
            return tape.CanClip(loss(tape.MatrixProduct(tape.Gather(Encode(tape, b), b.Places), tape.Parameter(0), transposeY: true)), Examples);
        }
        Assert.False(Takes(scores => tape.SoftmaxCrossEntropy(scores, b.Targets)));
        var weights = b.Weights;
        Assert.True(Takes(scores => tape.SoftmaxCrossEntropy(scores, b.Targets, weights)));
        weights[0] += 0.01f;
        Assert.False(Takes(scores => tape.SoftmaxCrossEntropy(scores, b.Targets, weights)));
        Assert.False(Takes(scores => tape.MeanSquaredError(scores, new float[scores.Shape.Length])));
    }

    [Fact]
    public void Texts_that_meet_and_parameters_whose_norms_are_not_known_together_are_not_taken()
    {
        var layout = Layout([("tokens", [Vocabulary, Width]), ("g", [Width]), ("out", [Width, 3]), ("outb", [3])]);
        var (parameters, gradient, tape) = (Filled(layout.Length, Seed.Of(24).ToRandom()), new AlignedBuffer(layout.Length), new Tape(layout));
        var b = new Batch(0, Examples);
        bool Takes(Func<Tensor, Tensor> between)
        {
            tape.Begin(parameters, gradient);
            var x = between(tape.Embed(b.Input(tape), tape.Parameter(0)));
            var y = tape.Dense(x, tape.Parameter(2), tape.Parameter(3));
            return tape.CanClip(x.Shape.Rows == Examples ? tape.SoftmaxCrossEntropy(y, b.Labels) : tape.SoftmaxCrossEntropy(y, new float[y.Shape.Rows]), Examples);
        }
        Assert.True(Takes(x => tape.RmsNorm(x, tape.Parameter(1))));
        Assert.False(Takes(x => tape.RmsNorm(tape.RmsNorm(x, tape.Parameter(1)), tape.Parameter(1))));
        Assert.False(Takes(x => tape.AddRow(tape.RmsNorm(x, tape.Parameter(1)), tape.Parameter(1))));
        Assert.True(Takes(x => tape.Gather(x, b.Firsts)));
        Assert.False(Takes(x => tape.Gather(x, [.. b.Firsts.Reverse()])));
        Assert.False(Takes(x => tape.Gather(x, [0, 1, 2, 3, 4, 5])));
        Assert.False(Takes(x => tape.Reshape(tape.Attention(tape.Reshape(tape.Concat(tape.Concat(x, x), x), new Shape(3, 2 * Steps, 3 * Width)), 2, causal: false), new Shape(Examples * Steps, Width))));
        Assert.False(Takes(x => tape.Add(x, tape.Gather(x, [.. Enumerable.Range(0, Examples * Steps).Reverse()]))));
        Assert.False(Takes(x => tape.AddRow(x, tape.Gather(x, [0]))));
        Assert.False(Takes(x => tape.Scatter(x, [.. Enumerable.Range(0, Examples * Steps).Select(i => i % Examples)], Examples)));
    }

    private static Tensor Encode(Tape t, Batch b)
    {
        var x = t.Embed(b.Input(t), t.Parameter(0));
        x = t.Reshape(t.AddRow(t.Reshape(x, new Shape(b.Count, Steps * Width)), t.Parameter(1)), new Shape(b.Count * Steps, Width));
        x = t.Add(x, t.Embed(b.Input(t, segments: true), t.Parameter(2)));
        var seen = t.Attention(Cut(t, t.Dense(t.LayerNorm(x, t.Parameter(3), t.Parameter(4)), t.Parameter(5), t.Parameter(6))), 2, causal: false, b.Lengths);
        x = t.AddDense(x, t.Reshape(seen, new Shape(b.Count * Steps, Width)), t.Parameter(7), t.Parameter(8));
        x = t.AddDense(x, t.Dense(x, t.Parameter(9), t.Parameter(10), Activation.Gelu), t.Parameter(11), t.Parameter(12));
        return t.LayerNorm(x, t.Parameter(13), t.Parameter(14));
    }

    private static Tensor Decode(Tape t, Batch b)
    {
        var x = t.Embed(b.Input(t), t.Parameter(0));
        var seen = t.Attention(Cut(t, t.Dense(t.RmsNorm(x, t.Parameter(1)), t.Parameter(2), t.Parameter(3))), 2, causal: true, b.Lengths);
        x = t.AddDense(x, t.Reshape(seen, new Shape(b.Count * Steps, Width)), t.Parameter(4), t.Parameter(5));
        x = t.AddDense(x, t.SwiGlu(t.Dense(t.RmsNorm(x, t.Parameter(6)), t.Parameter(7), t.Parameter(8))), t.Parameter(9), t.Parameter(10));
        return t.RmsNorm(x, t.Parameter(11));
    }

    private static Tensor Cut(Tape t, Tensor x) => t.Reshape(x, new Shape(x.Shape.Rows / Steps, Steps, x.Shape.Columns));

    private static Tensor Classes(Tape t, Tensor scores, Batch b) => t.SoftmaxCrossEntropy(scores, b.Labels);

    private static Tensor Tokens(Tape t, Tensor scores, Batch b) => t.SoftmaxCrossEntropy(scores, b.Targets, b.Weights, 0.1f);

    private static ParameterLayout Layout((string Name, int[] Shape)[] parameters)
    {
        var builder = new ParameterLayoutBuilder();
        foreach (var (name, shape) in parameters) builder.Add(name, ParameterRole.Weight, shape);
        return builder.Build();
    }

    private static AlignedBuffer Filled(int length, SeededRandom random)
    {
        var buffer = new AlignedBuffer(length);
        foreach (ref var value in buffer.Span) value = 0.5f * (float)random.NextGaussian();
        return buffer;
    }

    /// <summary>Some of the texts.</summary>
    private sealed class Batch(int first, int count)
    {
        private readonly float[] _tokens = [.. Enumerable.Range(first, count).SelectMany(e => Texts[e % Examples])];

        public int Count => count;

        public float[] Labels { get; } = [.. Enumerable.Range(first, count).Select(e => (float)(e % 3))];

        public int[] Lengths { get; } = [.. Enumerable.Range(first, count).Select(e => Math.Max(1, Array.FindLastIndex(Texts[e % Examples], x => x > 0) + 1))];

        public int[] Firsts { get; } = [.. Enumerable.Range(0, count).Select(e => e * Steps)];

        public int[] Places { get; } = [.. Enumerable.Range(0, count).SelectMany(e => Hidden[(first + e) % Examples].Select(t => e * Steps + t))];

        public int[] PlacesInTime => [.. Places.Select(p => p % Steps * count + p / Steps)];

        public float[] Targets => [.. Places.Select(p => (_tokens[p] + 5) % Vocabulary)];

        public float[] All => [.. _tokens.Select(t => (t + 5) % Vocabulary)];

        /// <summary>Each text counts alike, however many of its tokens are predicted.</summary>
        public float[] Weights => [.. Places.Select(p => (float)Places.Length / count / Hidden[(first + p / Steps) % Examples].Length)];

        /// <summary>Vectors of the tokens step by step.</summary>
        public Tensor InTime(Tape tape) => tape.Embed(tape.SwapAxes(tape.Constant(_tokens, new Shape(count, Steps, 1))), tape.Parameter(0));

        public Tensor Input(Tape tape, int shift = 0, bool segments = false) =>
            tape.Constant([.. _tokens.Select((x, i) => segments ? i % Steps / 4 % 2 : (x + shift) % Vocabulary)], new Shape(count, Steps));
    }
}
