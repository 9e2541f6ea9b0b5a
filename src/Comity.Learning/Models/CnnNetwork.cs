using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Models;

/// <summary>A convolutional network. Weights have the shapes of the field: [outputs, inputs/groups, height, width], of a series [outputs, inputs/groups, steps]; dense [inputs, outputs].</summary>
/// <remarks>
/// Within, images have their channels last; a dense layer reads them channel by channel, as other libraries do, so that weights can be exchanged.
/// Weights start uniform with He's variance 2/inputs (He et al. 2015, arXiv:1502.01852), those of the output with Glorot's.
/// </remarks>
internal sealed class CnnNetwork : Model
{
    private readonly CnnSizes _input;
    private readonly CnnStep[] _steps;

    private CnnNetwork(ModelShape shape, ParameterLayout layout, CnnStep[] steps, int scores)
        : base(shape, layout)
    {
        (_input, _steps, Scores) = (CnnSizes.Of(shape.Input), steps, scores);
    }

    internal override int Scores { get; }

    /// <summary>The layers in order, the output's last.</summary>
    public IReadOnlyList<CnnStep> Steps => _steps;

    public static CnnNetwork Create(ModelShape shape, CnnSection section, int scores)
    {
        var sizes = CnnSizes.Of(shape.Input);
        if (CnnSizes.Misfit(section, shape.Input) is { } misfit)
            throw new ArgumentException($"{misfit.Layer}: {misfit.Arrived} arrived, {misfit.Expected} was expected; check the section first.", nameof(section));
        var builder = new ParameterLayoutBuilder();
        var steps = new List<CnnStep>();
        Activation? waiting = null;
        for (var i = 0; i < section.Layers.Count; i++)
        {
            var layer = section.Layers[i];
            var name = $"layers.{i}";
            switch (layer)
            {
                case ConvLayerSection conv:
                    // The largest of some values passes a rising activation as well as they do: behind the pooling there are fewer of them.
                    var later = section.Activation is Activation.Relu or Activation.LeakyRelu && i + 1 < section.Layers.Count && section.Layers[i + 1] is MaxPoolLayerSection;
                    steps.Add(CnnStep.Convolve(builder, name, sizes, conv, later ? Activation.Identity : section.Activation));
                    if (later) waiting = section.Activation;
                    break;
                case ResidualLayerSection residual: steps.Add(CnnStep.Residual(builder, name, sizes, residual, section.Activation)); break;
                case MaxPoolLayerSection pool: steps.Add(new MaxPoolStep(PoolingWindow.Square(pool.Size, pool.Stride), waiting)); waiting = null; break;
                case AveragePoolLayerSection pool: steps.Add(new AveragePoolStep(PoolingWindow.Square(pool.Size, pool.Stride))); break;
                case GlobalAverageLayerSection: steps.Add(new GlobalAverageStep()); break;
                case DropoutLayerSection dropout: steps.Add(new DropoutStep((float)dropout.Rate)); break;
                default: steps.Add(CnnStep.Dense(builder, name, sizes, ((DenseLayerSection)layer).Units, section.Activation)); break;
            }
            sizes = sizes.After(layer);
        }
        steps.Add(CnnStep.Dense(builder, "output", sizes, scores, Activation.Identity));
        return new CnnNetwork(shape, builder.Build(), [.. steps], scores);
    }

    public override void Initialise(Span<float> parameters, SeededRandom random)
    {
        if (parameters.Length != Layout.Length) throw new ArgumentException($"{parameters.Length} floats do not fit a model with {Layout.Length} parameters.", nameof(parameters));
        parameters.Clear();
        foreach (var entry in Layout.Entries)
        {
            var slice = Layout.Slice(parameters, entry);
            if (entry.Role == ParameterRole.Weight)
            {
                // Of a convolution the inputs of one output are all sizes but the first; a dense weight is [inputs, outputs].
                var inputs = entry.Shape.Count == 2 ? entry.Shape[0] : entry.Length / entry.Shape[0];
                var variance = entry.Name.StartsWith("output.", StringComparison.Ordinal) ? 2.0 / (inputs + Scores) : 2.0 / inputs;
                var bound = (float)Math.Sqrt(3 * variance); // uniform on ±√(3v) has the variance v
                foreach (ref var weight in slice) weight = (2 * random.NextSingle() - 1) * bound;
            }
            else if (entry.Name.EndsWith(".scale", StringComparison.Ordinal) || entry.Name.EndsWith(".variance", StringComparison.Ordinal))
            {
                slice.Fill(1);
            }
        }
    }

    internal override Tensor Forward(Tape tape, Tensor rows)
    {
        if (rows.Shape.Columns != Inputs) throw new ArgumentException($"Rows of {rows.Shape.Columns} values arrived; the model reads {_input} of {Inputs}.", nameof(rows));
        var x = _input.Form == CnnForm.Series
            ? tape.Reshape(rows, new Shape(rows.Shape.Rows, _input.Width, _input.Channels))
            : tape.ChannelsLast(tape.Reshape(rows, new Shape(rows.Shape.Rows, _input.Channels, _input.Height, _input.Width)));
        foreach (var step in _steps) x = step.Apply(tape, x);
        return x;
    }
}
