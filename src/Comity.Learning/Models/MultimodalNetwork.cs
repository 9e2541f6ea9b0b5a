using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Models;

/// <summary>Models that each make a vector of their part of a row, a fusion of the vectors, and dense layers over it.</summary>
/// <remarks>
/// Parameters of an encoder stand together under <c>encoders.NAME.</c>, laid out as in the model alone: there it would tell as many classes
/// as the vector has numbers. All else starts with Glorot's variance (Glorot and Bengio 2010), hidden layers with He's.
/// </remarks>
internal sealed class MultimodalNetwork : Model
{
    private readonly MultimodalSection _section;
    private readonly Encoder[] _encoders;
    private readonly int _norm, _qkv, _mix, _output;
    private readonly int[] _hidden;

    private MultimodalNetwork(ModelShape shape, MultimodalSection section, ParameterLayout layout, Encoder[] encoders, int norm, int[] hidden, int output, int scores)
        : base(shape, layout)
    {
        (_section, _encoders, _norm, _qkv, _mix, _hidden, _output, Scores) = (section, encoders, norm, norm + 2, norm + 4, hidden, output, scores);
    }

    internal override int Scores { get; }

    internal override int RowsAtOnce => _encoders.Min(e => e.Model.RowsAtOnce);

    public static MultimodalNetwork Create(ModelShape shape, MultimodalSection section, int scores)
    {
        if (shape.Input is not MultimodalInput input) throw new ArgumentException($"A multimodal model reads several parts, not {InputNames.Of(shape.Input)}.", nameof(shape));
        var builder = new ParameterLayoutBuilder();
        var encoders = new Encoder[section.Encoders.Count];
        var count = 0;
        for (var i = 0; i < encoders.Length; i++)
        {
            var declared = section.Encoders[i];
            var part = input.Modalities.FirstOrDefault(m => m.Name == declared.Input)
                ?? throw new ArgumentException($"No part of the record is called '{declared.Input}'; check the section first.", nameof(section));
            var model = ModelFactory.Create(declared.Model, part.Input, TaskKind.Multiclass, section.Width, shape.Kernels);
            encoders[i] = new Encoder(model, part, count);
            foreach (var entry in model.Layout.Entries) count = builder.Add($"encoders.{part.Name}.{entry.Name}", entry.Role, [.. entry.Shape]) + 1;
        }
        var width = section.Width;
        var norm = -1;
        if (section.Fusion == Fusion.CrossAttention)
        {
            norm = builder.Add("fusion.norm.scale", ParameterRole.LayerNorm, width);
            builder.Add("fusion.norm.shift", ParameterRole.LayerNorm, width);
            Dense(builder, "fusion.qkv", width, 3 * width);
            Dense(builder, "fusion.output", width, width);
        }
        var inputs = section.Fusion == Fusion.Concat ? width * encoders.Length : width;
        var hidden = new int[section.Hidden.Count];
        for (var i = 0; i < hidden.Length; i++)
        {
            hidden[i] = Dense(builder, $"hidden.{i}", inputs, section.Hidden[i]);
            inputs = section.Hidden[i];
        }
        var output = Dense(builder, "output", inputs, scores);
        return new MultimodalNetwork(shape, section, builder.Build(), encoders, norm, hidden, output, scores);
    }

    public override void Initialise(Span<float> parameters, SeededRandom random)
    {
        if (parameters.Length != Layout.Length) throw new ArgumentException($"{parameters.Length} floats do not fit a model with {Layout.Length} parameters.", nameof(parameters));
        parameters.Clear();
        foreach (var encoder in _encoders) encoder.Model.Initialise(parameters.Slice(Layout.Entries[encoder.First].Offset, encoder.Model.Layout.Length), random);
        if (_norm >= 0)
        {
            Layout.Slice(parameters, Layout.Entries[_norm]).Fill(1);
            Draw(parameters, _qkv, true, random);
            Draw(parameters, _mix, true, random);
        }
        foreach (var layer in _hidden) Draw(parameters, layer, _section.Activation is Activation.Sigmoid or Activation.Tanh, random);
        Draw(parameters, _output, true, random);
    }

    internal override Tensor Forward(Tape tape, Tensor rows)
    {
        if (rows.Shape.Columns != Inputs) throw new ArgumentException($"Rows of {rows.Shape.Columns} values arrived at the model's input; {Inputs} were expected.", nameof(rows));
        Tensor? joined = null;
        foreach (var encoder in _encoders)
        {
            var part = Part(tape, rows, encoder.Part);
            tape.FirstParameter = encoder.First;
            var vector = encoder.Model.Forward(tape, part);
            tape.FirstParameter = 0;
            vector = tape.Activate(vector, _section.Activation);
            joined = joined is { } before ? tape.Concat(before, vector) : vector;
        }
        var x = _section.Fusion == Fusion.Concat ? joined!.Value : Attend(tape, joined!.Value, rows.Shape.Rows);
        x = Drop(tape, x);
        foreach (var layer in _hidden) x = Drop(tape, tape.Dense(x, tape.Parameter(layer), tape.Parameter(layer + 1), _section.Activation));
        return tape.Dense(x, tape.Parameter(_output), tape.Parameter(_output + 1));
    }

    // The vectors of a row are the steps of a short sequence: x + attention(norm(x)), and then their mean.
    private Tensor Attend(Tape tape, Tensor joined, int rows)
    {
        int width = _section.Width, parts = _encoders.Length;
        var x = tape.Reshape(joined, new Shape(rows * parts, width));
        var qkv = tape.Dense(tape.LayerNorm(x, tape.Parameter(_norm), tape.Parameter(_norm + 1)), tape.Parameter(_qkv), tape.Parameter(_qkv + 1));
        var seen = tape.Attention(tape.Reshape(qkv, new Shape(rows, parts, 3 * width)), _section.Heads, causal: false);
        x = tape.Add(x, tape.Dense(tape.Reshape(seen, new Shape(rows * parts, width)), tape.Parameter(_mix), tape.Parameter(_mix + 1)));
        return tape.StepMean(tape.Reshape(x, new Shape(rows, parts, width)));
    }

    private Tensor Drop(Tape tape, Tensor x) => _section.Dropout > 0 ? tape.Dropout(x, (float)_section.Dropout) : x;

    private static Tensor Part(Tape tape, Tensor rows, Modality part)
    {
        var tensor = tape.Blank(new Shape(rows.Shape.Rows, part.Input.Length), out var values);
        var source = rows.Values;
        var (width, to) = (rows.Shape.Columns, 0);
        for (var i = 0; i < rows.Shape.Rows; i++)
        {
            foreach (var (first, count) in part.Slices)
            {
                source.Slice(i * width + first, count).CopyTo(values[to..]);
                to += count;
            }
        }
        return tensor;
    }

    private static int Dense(ParameterLayoutBuilder builder, string name, int inputs, int outputs)
    {
        var weight = builder.Add($"{name}.weight", ParameterRole.Weight, inputs, outputs);
        builder.Add($"{name}.bias", ParameterRole.Bias, outputs);
        return weight;
    }

    private void Draw(Span<float> parameters, int index, bool glorot, SeededRandom random)
    {
        var entry = Layout.Entries[index];
        int inputs = entry.Shape[0], outputs = entry.Shape[1];
        var bound = (float)Math.Sqrt(3 * (glorot ? 2.0 / (inputs + outputs) : 2.0 / inputs)); // uniform on ±√(3v) has the variance v
        foreach (ref var weight in Layout.Slice(parameters, entry)) weight = (2 * random.NextSingle() - 1) * bound;
    }

    /// <summary>A model for a part of the row.</summary>
    /// <param name="Model">The model; its outputs are the vector.</param>
    /// <param name="Part">What it reads.</param>
    /// <param name="First">Index of its first tensor in the whole layout.</param>
    private sealed record Encoder(Model Model, Modality Part, int First);
}
