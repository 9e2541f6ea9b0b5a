using Comity.Tensors;
using Comity.Tensors.Kernels;

namespace Comity.Learning.Models;

/// <summary>A model with its parameters, made ready to predict again and again.</summary>
/// <remarks>
/// Sums are taken in float32 whatever the storage. A perceptron judges a single record straight from its weights in bf16; where more records
/// come at once, and for all other kinds, the weights are widened first, and the outputs are those of the rounded weights too.
/// Safe for several threads.
/// </remarks>
public sealed unsafe class StoredModel
{
    private readonly Model _model;
    private readonly HalfDense? _half;
    private readonly ushort[] _rounded = [];
    private float[]? _wide;

    /// <param name="model">The kind of model.</param>
    /// <param name="parameters">Shape [P]; copied.</param>
    /// <param name="storage">How they are kept.</param>
    /// <exception cref="ArgumentException">The parameters do not fit the model.</exception>
    public StoredModel(Model model, ReadOnlySpan<float> parameters, FloatStorage storage)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (parameters.Length != model.Layout.Length) throw new ArgumentException($"{parameters.Length} parameters do not fit a model with {model.Layout.Length}.", nameof(parameters));
        (_model, Storage) = (model, storage);
        if (storage == FloatStorage.Float32)
        {
            _wide = parameters.ToArray();
            return;
        }
        _rounded = new ushort[parameters.Length];
        for (var i = 0; i < _rounded.Length; i++) _rounded[i] = storage == FloatStorage.Bfloat16 ? Bfloat16.Round(parameters[i]) : BitConverter.HalfToUInt16Bits((Half)parameters[i]);
        if (storage == FloatStorage.Bfloat16 && model is DenseNetwork dense) _half = HalfDense.Of(dense, Widened());
    }

    /// <summary>How the weights are kept.</summary>
    public FloatStorage Storage { get; }

    /// <summary>Probabilities by class (of two, the positive one second), or values.</summary>
    /// <param name="features">Shape [rows, inputs].</param>
    /// <param name="rows">Number of rows; 0 is allowed.</param>
    /// <param name="outputs">Shape [rows, outputs]; overwritten.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public void Predict(ReadOnlySpan<float> features, int rows, Span<float> outputs)
    {
        if (rows != 1 || _half is null)
        {
            _model.Predict(_wide ??= Widened(), features, rows, outputs);
            return;
        }
        if (features.Length != _model.Inputs) throw new ArgumentException($"{features.Length} features do not fit a row of {_model.Inputs}.", nameof(features));
        if (outputs.Length != _model.Outputs) throw new ArgumentException($"{outputs.Length} outputs do not fit a row of {_model.Outputs}.", nameof(outputs));
        fixed (float* x = features, y = outputs) _half.Score(x, y);
        _model.Finish(1, outputs);
    }

    private float[] Widened()
    {
        var wide = new float[_rounded.Length];
        for (var i = 0; i < wide.Length; i++) wide[i] = Storage == FloatStorage.Bfloat16 ? Bfloat16.Widen(_rounded[i]) : (float)BitConverter.UInt16BitsToHalf(_rounded[i]);
        return wide;
    }
}
