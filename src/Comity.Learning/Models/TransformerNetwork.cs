using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Models;

/// <summary>A transformer: x + attention(norm(x)), then x + feedForward(norm(x)), layer by layer, and a last norm.</summary>
/// <remarks>
/// Normalising before each part rather than after it trains without a warm-up (Xiong et al. 2020, arXiv:2002.04745).
/// Weights start with a deviation of 0.02, those that end a part with 0.02/√(2·layers) (Radford et al. 2019, section 2.3).
/// </remarks>
internal sealed class TransformerNetwork : SequenceNetwork
{
    internal const int RotaryBase = 10_000;
    private const double Deviation = 0.02;
    private readonly int _embedding, _positions, _segments, _norm, _output;
    private readonly float[] _turns;

    private TransformerNetwork(ModelShape shape, TransformerSection section, ParameterLayout layout, int embedding, int positions, int segments, TransformerLayer[] layers, int norm, int output)
        : base(shape, layout)
    {
        (Section, _embedding, _positions, _segments, Layers, _norm, _output) = (section, embedding, positions, segments, layers, norm, output);
        _turns = section.Positions == TransformerPositions.Rotary ? Turns(Steps, section.HeadWidth) : [];
        FloatsOfStep = section.Layers * (9L * section.Width + 3L * section.FeedForwardWidth);
    }

    public TransformerSection Section { get; }

    public TransformerLayer[] Layers { get; }

    public (int Embedding, int Positions, int Segments, int Norm, int Output) Indices => (_embedding, _positions, _segments, _norm, _output);

    private protected override long FloatsOfStep { get; }

    private protected override bool IsTimeMajor => false;

    private bool IsCausal => Section.Style == TransformerStyle.Decoder;

    public static TransformerNetwork Create(ModelShape shape, TransformerSection section)
    {
        if (shape.Task == TaskKind.NextToken && section.Style == TransformerStyle.Encoder) throw new ArgumentException("An encoder sees the token that it should predict.", nameof(section));
        var builder = new ParameterLayoutBuilder();
        var tokens = TextOf(shape.Input);
        var width = section.Width;
        int embedding = builder.Add("embedding.weight", ParameterRole.Weight, tokens?.Vocabulary ?? (shape.Input as SeriesInput)?.Channels ?? 1, width), positions = -1, segments = -1, output = -1;
        if (tokens is null) builder.Add("embedding.bias", ParameterRole.Bias, width);
        var steps = tokens is null ? (shape.Input as SeriesInput)?.Steps ?? 1 : tokens.Tokens - (shape.Task == TaskKind.NextToken ? 1 : 0);
        if (section.Positions == TransformerPositions.Learned) positions = builder.Add("positions.weight", ParameterRole.Weight, Math.Max(1, steps), width);
        if (tokens is not null && section.Segments > 1) segments = builder.Add("segments.weight", ParameterRole.Weight, section.Segments, width);
        var layers = new TransformerLayer[section.Layers];
        for (var i = 0; i < layers.Length; i++) layers[i] = TransformerLayer.Add(builder, $"layers.{i}", section);
        var norm = TransformerLayer.AddNorm(builder, "norm", section);
        // Tags are not tokens, so that no embedding can stand for them.
        var tags = (shape.Input as TaggedInput)?.Tags.Count;
        if (!shape.Task.IsByToken() || !section.TiedEmbeddings || tags is not null)
        {
            var scores = shape.Task.IsByToken() ? tags ?? tokens!.Vocabulary : shape.Task == TaskKind.Multiclass ? shape.Classes : 1;
            output = builder.Add("output.weight", ParameterRole.Weight, width, scores);
            builder.Add("output.bias", ParameterRole.Bias, scores);
        }
        return new TransformerNetwork(shape, section, builder.Build(), embedding, positions, segments, layers, norm, output);
    }

    public override void Initialise(Span<float> parameters, SeededRandom random)
    {
        if (parameters.Length != Layout.Length) throw new ArgumentException($"{parameters.Length} floats do not fit a model with {Layout.Length} parameters.", nameof(parameters));
        parameters.Clear();
        foreach (var entry in Layout.Entries)
        {
            var target = Layout.Slice(parameters, entry);
            if (entry.Role == ParameterRole.LayerNorm && entry.Name.EndsWith("scale", StringComparison.Ordinal)) target.Fill(1);
            if (entry.Role != ParameterRole.Weight) continue;
            var ends = entry.Name.EndsWith("attention.output.weight", StringComparison.Ordinal) || entry.Name.EndsWith("feedForward.output.weight", StringComparison.Ordinal);
            // Uniform of that deviation: a normal variable takes a logarithm, whose last bits differ between platforms.
            var bound = Math.Sqrt(3) * Deviation / (ends ? Math.Sqrt(2 * Section.Layers) : 1);
            foreach (ref var weight in target) weight = (float)((2 * random.NextSingle() - 1) * bound);
        }
    }

    private protected override Tensor States(Tape tape, Tensor input, ReadOnlySpan<int> lengths)
    {
        int rows = input.Shape[0], steps = input.Shape[1], width = Section.Width;
        var x = Vocabulary > 0
            ? tape.Embed(input, tape.Parameter(_embedding))
            : tape.Dense(tape.Reshape(input, new Shape(rows * steps, input.Shape.Columns)), tape.Parameter(_embedding), tape.Parameter(_embedding + 1));
        if (_positions >= 0)
        {
            // One row for each sequence, so that every position gets its own vector.
            x = tape.AddRow(tape.Reshape(x, new Shape(rows, steps * width)), tape.Parameter(_positions));
            x = tape.Reshape(x, new Shape(rows * steps, width));
        }
        if (_segments >= 0) x = tape.Add(x, tape.Embed(SegmentsOf(tape, input), tape.Parameter(_segments)));
        x = Drop(tape, x);
        foreach (var layer in Layers)
        {
            var qkv = tape.Dense(Norm(tape, x, layer.FirstNorm), tape.Parameter(layer.Qkv), tape.Parameter(layer.Qkv + 1));
            var seen = tape.Attention(tape.Reshape(qkv, new Shape(rows, steps, 3 * width)), Section.Heads, IsCausal, lengths, _turns);
            x = Join(tape, x, tape.Reshape(seen, new Shape(rows * steps, width)), layer.Output);
            x = Join(tape, x, Inner(tape, Norm(tape, x, layer.SecondNorm), layer), layer.Down);
        }
        return Norm(tape, x, _norm);
    }

    private protected override Tensor Summary(Tape tape, Tensor input, ReadOnlySpan<int> lengths)
    {
        int rows = input.Shape[0], steps = input.Shape[1];
        var states = States(tape, input, lengths);
        if (!IsCausal && Section.Pooling == TransformerPooling.Mean) return tape.StepMean(tape.Reshape(states, new Shape(rows, steps, Section.Width)), lengths);
        Span<int> chosen = rows <= 1024 ? stackalloc int[rows] : new int[rows];
        for (var b = 0; b < rows; b++) chosen[b] = b * steps + (IsCausal ? (lengths.IsEmpty ? steps : lengths[b]) - 1 : 0);
        return tape.Gather(states, chosen);
    }

    private protected override Tensor Head(Tape tape, Tensor summary) => tape.Dense(summary, tape.Parameter(_output), tape.Parameter(_output + 1));

    private protected override Tensor TokenHead(Tape tape, Tensor states) => _output >= 0
        ? tape.Dense(states, tape.Parameter(_output), tape.Parameter(_output + 1))
        : tape.MatrixProduct(states, tape.Parameter(_embedding), transposeY: true);

    /// <summary>Cosines and sines by position: θ = t·10000^(−2j/d) (Su et al. 2021, section 3.2.2).</summary>
    internal static float[] Turns(int steps, int headWidth)
    {
        var turns = new float[steps * headWidth];
        var half = headWidth / 2;
        for (var t = 0; t < steps; t++)
        {
            for (var j = 0; j < half; j++)
            {
                var angle = t * Math.Pow(RotaryBase, -2.0 * j / headWidth);
                (turns[t * headWidth + j], turns[t * headWidth + half + j]) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
            }
        }
        return turns;
    }

    // What stands between the two products of the feed-forward part.
    private Tensor Inner(Tape tape, Tensor x, TransformerLayer layer)
    {
        Tensor weight = tape.Parameter(layer.Up), bias = tape.Parameter(layer.Up + 1);
        return Section.Unit == TransformerUnit.Gelu ? tape.Dense(x, weight, bias, Activation.Gelu) : tape.SwiGlu(tape.Dense(x, weight, bias));
    }

    // The residual connection around a part, whose last layer this is.
    private Tensor Join(Tape tape, Tensor x, Tensor part, int layer)
    {
        Tensor weight = tape.Parameter(layer), bias = tape.Parameter(layer + 1);
        return Section.Dropout > 0 ? tape.Add(x, Drop(tape, tape.Dense(part, weight, bias))) : tape.AddDense(x, part, weight, bias);
    }

    private Tensor Norm(Tape tape, Tensor x, int index) => Section.Norm == TransformerNorm.Layer
        ? tape.LayerNorm(x, tape.Parameter(index), tape.Parameter(index + 1))
        : tape.RmsNorm(x, tape.Parameter(index));

    private Tensor Drop(Tape tape, Tensor x) => Section.Dropout > 0 ? tape.Dropout(x, (float)Section.Dropout) : x;

    // How many separators stand before a token.
    private Tensor SegmentsOf(Tape tape, Tensor tokens)
    {
        var segments = tape.Blank(tokens.Shape, out var values);
        var source = tokens.Values;
        var steps = tokens.Shape.Columns;
        var segment = 0;
        for (var i = 0; i < values.Length; i++)
        {
            if (i % steps == 0) segment = 0;
            values[i] = Math.Min(segment, Section.Segments - 1);
            if (source[i] == TokenInput.Separator && i % steps != 0) segment++;
        }
        return segments;
    }
}
