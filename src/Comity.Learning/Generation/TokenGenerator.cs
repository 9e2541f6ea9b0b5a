using Comity.Learning.Models;

namespace Comity.Learning.Generation;

/// <summary>Feeds a model of texts one token at a time and gives the scores of the next.</summary>
/// <remarks>
/// A transformer keeps keys and values of what it has read, so that a token costs one step. When its context is full, the older half is
/// forgotten and the rest read again. Other models read their context anew each time. Not for several threads.
/// </remarks>
public sealed class TokenGenerator
{
    private readonly SequenceNetwork _model;
    private readonly ReadOnlyMemory<float> _parameters;
    private readonly KeyValueCache? _cache;
    private readonly List<int> _read = [];
    private readonly float[] _scores;

    /// <param name="model">A model that predicts the next token.</param>
    /// <param name="parameters">Its parameters, shape [P].</param>
    /// <exception cref="ArgumentException">The model predicts something else, or the parameters are not its own.</exception>
    public TokenGenerator(Model model, ReadOnlyMemory<float> parameters)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Task != TaskKind.NextToken || model is not SequenceNetwork network)
            throw new ArgumentException($"A model that predicts the next token was expected; this one's task is {TaskNames.Of(model.Task)}.", nameof(model));
        if (parameters.Length != model.Layout.Length) throw new ArgumentException($"{parameters.Length} parameters do not fit a model with {model.Layout.Length}.", nameof(parameters));
        (_model, _parameters, _scores) = (network, parameters, new float[network.Vocabulary]);
        _cache = network is TransformerNetwork transformer ? new KeyValueCache(transformer, parameters) : null;
    }

    /// <summary>Tokens that the model sees at once.</summary>
    public int Context => _model.Steps;

    /// <summary>Reads a token.</summary>
    /// <param name="token">Its number.</param>
    /// <returns>The scores of the token after it, shape [vocabulary]; valid until the next call.</returns>
    public ReadOnlySpan<float> Read(int token)
    {
        if (token < 0 || token >= _model.Vocabulary) throw new ArgumentOutOfRangeException(nameof(token), token, $"Tokens run from 0 to {_model.Vocabulary - 1}.");
        if (_read.Count == Context)
        {
            _read.RemoveRange(0, Math.Max(1, Context / 2));
            _cache?.Clear();
            foreach (var kept in _read) _cache?.Read(kept, _scores);
        }
        _read.Add(token);
        if (_cache is not null) _cache.Read(token, _scores);
        else ReadAgain();
        return _scores;
    }

    // The whole context in one pass; what follows the token has no influence on its scores.
    private unsafe void ReadAgain()
    {
        var row = new float[_model.Inputs];
        for (var i = 0; i < _read.Count; i++) row[i] = _read[i];
        var tape = _model.RentTape();
        fixed (float* p = _parameters.Span, x = row)
        {
            tape.BeginInference(p, _parameters.Length);
            var scores = _model.Forward(tape, tape.External(x, new Comity.Tensors.Shape(1, row.Length)));
            scores.Values.Slice((_read.Count - 1) * _model.Vocabulary, _model.Vocabulary).CopyTo(_scores);
        }
        _model.ReturnTape(tape);
    }
}
