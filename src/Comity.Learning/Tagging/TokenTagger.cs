using Comity.Learning.Models;
using Comity.Tensors;

namespace Comity.Learning.Tagging;

/// <summary>Gives each token of a text its likeliest tag.</summary>
/// <remarks>Safe for several threads.</remarks>
public sealed class TokenTagger
{
    private readonly SequenceNetwork _model;
    private readonly ReadOnlyMemory<float> _parameters;

    /// <param name="model">A model that tags tokens.</param>
    /// <param name="parameters">Its parameters, shape [P].</param>
    /// <exception cref="ArgumentException">The model predicts something else, or the parameters are not its own.</exception>
    public TokenTagger(Model model, ReadOnlyMemory<float> parameters)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Task != TaskKind.Tagging || model is not SequenceNetwork network)
            throw new ArgumentException($"A model that tags tokens was expected; this one's task is {TaskNames.Of(model.Task)}.", nameof(model));
        if (parameters.Length != model.Layout.Length) throw new ArgumentException($"{parameters.Length} parameters do not fit a model with {model.Layout.Length}.", nameof(parameters));
        (_model, _parameters) = (network, parameters);
    }

    /// <summary>Tokens of a row.</summary>
    public int Tokens => _model.Steps;

    /// <summary>Tags the tokens of rows.</summary>
    /// <param name="features">Shape [rows, 2·<see cref="Tokens"/>] as <see cref="TaggedInput"/> has it; what stands where tags are is not read.</param>
    /// <param name="tags">Shape [rows, <see cref="Tokens"/>]; receives the tags' numbers, and <see cref="TagScheme.None"/> for padding and separators.</param>
    public unsafe void Tag(ReadOnlySpan<float> features, Span<int> tags)
    {
        var (rows, steps, width) = (features.Length / _model.Inputs, _model.Steps, _model.TokenScores);
        if (features.Length != (long)rows * _model.Inputs || tags.Length != (long)rows * steps)
            throw new ArgumentException($"{features.Length} features and {tags.Length} tags do not fit rows of {_model.Inputs} and {steps}.", nameof(features));
        var tape = _model.RentTape();
        fixed (float* p = _parameters.Span, x = features)
        {
            for (var first = 0; first < rows; first += _model.RowsAtOnce)
            {
                var count = Math.Min(_model.RowsAtOnce, rows - first);
                tape.BeginInference(p, _parameters.Length);
                var scores = _model.Forward(tape, tape.External(x + (nint)first * _model.Inputs, new Shape(count, _model.Inputs))).Values;
                for (var i = 0; i < count * steps; i++)
                {
                    var token = (int)x[(nint)(first + i / steps) * _model.Inputs + i % steps];
                    tags[first * steps + i] = token is TokenInput.Padding or TokenInput.Separator ? TagScheme.None : SequenceNetwork.Best(scores.Slice(i * width, width));
                }
            }
        }
        _model.ReturnTape(tape);
    }
}
