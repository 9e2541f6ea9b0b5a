using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Models;

/// <summary>Dense layers one after another: a multi-layer perceptron, and, without hidden layers, linear, logistic and softmax regression.</summary>
/// <remarks>
/// Each hidden layer: dense → normalisation → activation → dropout. Weights have the shape [inputs, outputs].
/// Hidden weights start uniform with He's variance 2/inputs (He et al. 2015, arXiv:1502.01852) before rectifiers, and Glorot's
/// 2/(inputs + outputs) (Glorot and Bengio 2010) before sigmoid, tanh and the output. A model without hidden layers is convex
/// and starts from zero.
/// </remarks>
internal sealed class DenseNetwork : Model
{
    private readonly Activation _activation;
    private readonly float _dropout;
    private readonly Normalization _norm;
    private readonly Layer[] _hidden;
    private readonly Layer _output;

    private DenseNetwork(ModelShape shape, ParameterLayout layout, Layer[] hidden, Layer output, int scores, Activation activation, float dropout, Normalization norm)
        : base(shape, layout)
    {
        (_hidden, _output, Scores, _activation, _dropout, _norm) = (hidden, output, scores, activation, dropout, norm);
    }

    internal override int Scores { get; }

    // Weights are packed for each chunk, and a row needs little memory.
    internal override int RowsAtOnce => 256;

    /// <summary>What follows each hidden layer.</summary>
    public Activation Activation => _activation;

    /// <summary>Indices of weight and bias by layer; null where anything but an activation stands between layers in a prediction.</summary>
    public IReadOnlyList<(int Weight, int Bias)>? Layers =>
        _norm == Normalization.None ? [.. _hidden.Append(_output).Select(l => (l.Weight, l.Bias))] : null;

    public static DenseNetwork Create(ModelShape shape, int scores, IReadOnlyList<int> widths, Activation activation = Activation.Identity, double dropout = 0, Normalization norm = Normalization.None)
    {
        var builder = new ParameterLayoutBuilder();
        var hidden = new Layer[widths.Count];
        var inputs = shape.Input.Length;
        for (var i = 0; i < widths.Count; i++)
        {
            var name = $"hidden.{i}";
            hidden[i] = new Layer(
                builder.Add($"{name}.weight", ParameterRole.Weight, inputs, widths[i]),
                builder.Add($"{name}.bias", ParameterRole.Bias, widths[i]),
                norm == Normalization.None ? -1 : builder.Add($"{name}.norm.scale", norm == Normalization.Batch ? ParameterRole.BatchNorm : ParameterRole.LayerNorm, widths[i]));
            if (norm != Normalization.None) builder.Add($"{name}.norm.shift", norm == Normalization.Batch ? ParameterRole.BatchNorm : ParameterRole.LayerNorm, widths[i]);
            if (norm == Normalization.Batch)
            {
                builder.Add($"{name}.norm.mean", ParameterRole.BatchNormStatistic, widths[i]);
                builder.Add($"{name}.norm.variance", ParameterRole.BatchNormStatistic, widths[i]);
            }
            inputs = widths[i];
        }
        var output = new Layer(builder.Add("output.weight", ParameterRole.Weight, inputs, scores), builder.Add("output.bias", ParameterRole.Bias, scores), -1);
        return new DenseNetwork(shape, builder.Build(), hidden, output, scores, activation, (float)dropout, norm);
    }

    public override void Initialise(Span<float> parameters, SeededRandom random)
    {
        if (parameters.Length != Layout.Length) throw new ArgumentException($"{parameters.Length} floats do not fit a model with {Layout.Length} parameters.", nameof(parameters));
        parameters.Clear();
        if (_hidden.Length == 0) return;
        foreach (var layer in _hidden)
        {
            Draw(parameters, layer, _activation is Activation.Sigmoid or Activation.Tanh, random);
            if (layer.Scale < 0) continue;
            Layout.Slice(parameters, Layout.Entries[layer.Scale]).Fill(1);
            if (_norm == Normalization.Batch) Layout.Slice(parameters, Layout.Entries[layer.Variance]).Fill(1);
        }
        Draw(parameters, _output, glorot: true, random);
    }

    internal override Tensor Forward(Tape tape, Tensor rows)
    {
        if (rows.Shape.Columns != Inputs) throw new ArgumentException($"Rows of {rows.Shape.Columns} features arrived; the model has {Inputs} inputs.", nameof(rows));
        foreach (var layer in _hidden)
        {
            // Without a normalisation in between, dense and activation are one operation.
            rows = tape.Dense(rows, tape.Parameter(layer.Weight), tape.Parameter(layer.Bias), layer.Scale < 0 ? _activation : Activation.Identity);
            if (layer.Scale >= 0)
            {
                Tensor scale = tape.Parameter(layer.Scale), shift = tape.Parameter(layer.Shift);
                rows = _norm == Normalization.Layer
                    ? tape.LayerNorm(rows, scale, shift)
                    : tape.BatchNorm(rows, scale, shift, tape.Parameter(layer.Mean), tape.Parameter(layer.Variance));
                rows = tape.Activate(rows, _activation);
            }
            if (_dropout > 0) rows = tape.Dropout(rows, _dropout);
        }
        return tape.Dense(rows, tape.Parameter(_output.Weight), tape.Parameter(_output.Bias));
    }

    private void Draw(Span<float> parameters, Layer layer, bool glorot, SeededRandom random)
    {
        var entry = Layout.Entries[layer.Weight];
        int inputs = entry.Shape[0], outputs = entry.Shape[1];
        // A uniform variable on ±√(3v) has the variance v; unlike a normal one it takes no logarithm, so its bits are the same everywhere.
        var bound = (float)Math.Sqrt(3 * (glorot ? 2.0 / (inputs + outputs) : 2.0 / inputs));
        foreach (ref var weight in Layout.Slice(parameters, entry)) weight = (2 * random.NextSingle() - 1) * bound;
    }

    /// <summary>Indices of a layer's tensors in the layout; those of the normalisation follow its scale.</summary>
    private readonly record struct Layer(int Weight, int Bias, int Scale)
    {
        public int Shift => Scale + 1;

        public int Mean => Scale + 2;

        public int Variance => Scale + 3;
    }
}
