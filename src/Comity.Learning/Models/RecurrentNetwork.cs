using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Models;

/// <summary>Recurrent layers, in one direction or both, over a series or the vectors of tokens.</summary>
/// <remarks>
/// Gates stand in PyTorch's order, and weights have the shape [inputs, gates·H]. All start uniform within ±1/√H, and the forget gates of
/// lstm with 1 (Jozefowicz et al. 2015). The product with the input is taken for all steps at once.
/// </remarks>
internal sealed class RecurrentNetwork : SequenceNetwork
{
    private readonly RecurrentKind _kind;
    private readonly float _dropout;
    private readonly int _embedding;
    private readonly Direction[][] _layers;
    private readonly int _output;

    private RecurrentNetwork(ModelShape shape, RecurrentSection section, ParameterLayout layout, int embedding, Direction[][] layers, int output) : base(shape, layout)
    {
        (_kind, _dropout, _embedding, _layers, _output) = (section.Cell, (float)section.Dropout, embedding, layers, output);
        FloatsOfStep = section.Hidden.Sum(h => 16L * h * (section.Bidirectional ? 2 : 1));
    }

    private protected override long FloatsOfStep { get; }

    private protected override bool IsTimeMajor => true;

    public static RecurrentNetwork Create(ModelShape shape, RecurrentSection section)
    {
        if (shape.Task == TaskKind.NextToken && section.Bidirectional) throw new ArgumentException("A layer that reads from the end sees the token it should predict.", nameof(section));
        var builder = new ParameterLayoutBuilder();
        var tokens = TextOf(shape.Input);
        var embedding = tokens is null ? -1 : builder.Add("embedding.weight", ParameterRole.Weight, tokens.Vocabulary, section.Embedding);
        var inputs = tokens is null ? (shape.Input as SeriesInput)?.Channels ?? 1 : section.Embedding;
        var gates = Sequences.Gates(section.Cell);
        var layers = new Direction[section.Hidden.Count][];
        for (var i = 0; i < layers.Length; i++)
        {
            var hidden = section.Hidden[i];
            layers[i] = new Direction[section.Bidirectional ? 2 : 1];
            for (var d = 0; d < layers[i].Length; d++)
            {
                var name = $"layers.{i}.{(d == 0 ? "forward" : "backward")}";
                layers[i][d] = new Direction(
                    builder.Add($"{name}.input.weight", ParameterRole.Weight, inputs, gates * hidden),
                    builder.Add($"{name}.input.bias", ParameterRole.Bias, gates * hidden),
                    builder.Add($"{name}.state.weight", ParameterRole.Weight, hidden, gates * hidden),
                    section.Cell == RecurrentKind.Gru ? builder.Add($"{name}.state.bias", ParameterRole.Bias, gates * hidden) : -1);
            }
            inputs = hidden * layers[i].Length;
        }
        var scores = shape.Task.IsByToken() ? (shape.Input as TaggedInput)?.Tags.Count ?? tokens!.Vocabulary : shape.Task == TaskKind.Multiclass ? shape.Classes : 1;
        var output = builder.Add("output.weight", ParameterRole.Weight, inputs, scores);
        builder.Add("output.bias", ParameterRole.Bias, scores);
        return new RecurrentNetwork(shape, section, builder.Build(), embedding, layers, output);
    }

    public override void Initialise(Span<float> parameters, SeededRandom random)
    {
        if (parameters.Length != Layout.Length) throw new ArgumentException($"{parameters.Length} floats do not fit a model with {Layout.Length} parameters.", nameof(parameters));
        parameters.Clear();
        if (_embedding >= 0) Draw(parameters, _embedding, 0.1, random);
        foreach (var layer in _layers)
        {
            foreach (var direction in layer)
            {
                var hidden = Layout.Entries[direction.State].Shape[0];
                var bound = 1 / Math.Sqrt(hidden);
                Draw(parameters, direction.Input, bound, random);
                Draw(parameters, direction.State, bound, random);
                if (_kind == RecurrentKind.Lstm) Layout.Slice(parameters, Layout.Entries[direction.InputBias]).Slice(hidden, hidden).Fill(1);
            }
        }
        var shape = Layout.Entries[_output].Shape;
        Draw(parameters, _output, Math.Sqrt(6.0 / (shape[0] + shape[1])), random);
    }

    private protected override Tensor States(Tape tape, Tensor input, ReadOnlySpan<int> lengths)
    {
        var (forward, backward) = Run(tape, input, lengths);
        return Flat(tape, backward is { } other ? tape.Concat(Flat(tape, forward), Flat(tape, other)) : forward);
    }

    // Padding hands the state on, so the last step holds each row's own last state; read from the end, it is the first.
    private protected override Tensor Summary(Tape tape, Tensor input, ReadOnlySpan<int> lengths)
    {
        var (forward, backward) = Run(tape, input, lengths);
        var rows = input.Shape[0];
        var last = tape.Block(Flat(tape, forward), (Steps - 1) * rows, rows);
        return backward is { } other ? tape.Concat(last, tape.Block(Flat(tape, other), 0, rows)) : last;
    }

    private protected override Tensor Head(Tape tape, Tensor summary) => TokenHead(tape, summary);

    private protected override Tensor TokenHead(Tape tape, Tensor states) =>
        tape.Dense(_dropout > 0 ? tape.Dropout(states, _dropout) : states, tape.Parameter(_output), tape.Parameter(_output + 1));

    private (Tensor Forward, Tensor? Backward) Run(Tape tape, Tensor input, ReadOnlySpan<int> lengths)
    {
        int rows = input.Shape[0], steps = input.Shape[1];
        var x = _embedding < 0
            ? tape.SwapAxes(input)
            : tape.Embed(tape.SwapAxes(tape.Reshape(input, new Shape(rows, steps, 1))), tape.Parameter(_embedding));
        Tensor forward = default;
        Tensor? backward = null;
        for (var i = 0; i < _layers.Length; i++)
        {
            if (i > 0)
            {
                x = backward is { } other ? tape.Concat(Flat(tape, forward), Flat(tape, other)) : Flat(tape, forward);
                if (_dropout > 0) x = tape.Dropout(x, _dropout);
            }
            forward = One(tape, x, _layers[i][0], false, steps, rows, lengths);
            backward = _layers[i].Length > 1 ? One(tape, x, _layers[i][1], true, steps, rows, lengths) : null;
        }
        return (forward, backward);
    }

    private Tensor One(Tape tape, Tensor x, Direction direction, bool reverse, int steps, int rows, ReadOnlySpan<int> lengths)
    {
        var gates = tape.Dense(x, tape.Parameter(direction.Input), tape.Parameter(direction.InputBias));
        Tensor? bias = direction.StateBias < 0 ? null : tape.Parameter(direction.StateBias);
        return tape.Recurrent(_kind, tape.Reshape(gates, new Shape(steps, rows, gates.Shape.Columns)), tape.Parameter(direction.State), bias, reverse, lengths);
    }

    private static Tensor Flat(Tape tape, Tensor x) => x.Shape.Rank == 2 ? x : tape.Reshape(x, new Shape(x.Shape.Rows, x.Shape.Columns));

    private void Draw(Span<float> parameters, int index, double bound, SeededRandom random)
    {
        foreach (ref var weight in Layout.Slice(parameters, Layout.Entries[index])) weight = (float)((2 * random.NextSingle() - 1) * bound);
    }

    /// <summary>Indices of a layer's tensors in the layout, for one direction.</summary>
    private readonly record struct Direction(int Input, int InputBias, int State, int StateBias);
}
