using Comity.Tensors;
using Comity.Tensors.Kernels;

namespace Comity.Learning.Models;

/// <summary>A model with its parameters, made ready to predict again and again.</summary>
/// <remarks>
/// Sums are taken in float32 whatever the storage. A perceptron judges a single record straight from its weights in bf16; where more records
/// come at once, and for all other kinds, the weights are widened first, and the outputs are those of the rounded weights too. A plain convolutional
/// network (convolutions by single steps, batch normalisation, pooling 2 × 2, dense layers) is packed once; its scores are those of the model up to rounding.
/// Safe for several threads.
/// </remarks>
public sealed unsafe class StoredModel
{
    private readonly Model _model;
    private readonly HalfDense? _half;
    private readonly CnnPredictor? _images;
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
            if (model is CnnNetwork network) _images = CnnPredictor.Of(network, parameters.ToArray());
            _wide = _images is null ? parameters.ToArray() : [];
            return;
        }
        _rounded = new ushort[parameters.Length];
        for (var i = 0; i < _rounded.Length; i++) _rounded[i] = storage == FloatStorage.Bfloat16 ? Bfloat16.Round(parameters[i]) : BitConverter.HalfToUInt16Bits((Half)parameters[i]);
        if (storage == FloatStorage.Bfloat16 && model is DenseNetwork dense) _half = HalfDense.Of(dense, Widened());
        if (model is CnnNetwork images) _images = CnnPredictor.Of(images, Widened());
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
        if (_images is null && (rows != 1 || _half is null))
        {
            _model.Predict(_wide ??= Widened(), features, rows, outputs);
            return;
        }
        if (features.Length != (long)rows * _model.Inputs) throw new ArgumentException($"{features.Length} features do not fit {rows} rows of {_model.Inputs}.", nameof(features));
        if (outputs.Length != (long)rows * _model.Outputs) throw new ArgumentException($"{outputs.Length} outputs do not fit {rows} rows of {_model.Outputs}.", nameof(outputs));
        fixed (float* x = features, y = outputs)
        {
            if (_images is not null) _images.Score(x, rows, y);
            else _half!.Score(x, y);
        }
        _model.Finish(rows, outputs);
    }

    private float[] Widened()
    {
        var wide = new float[_rounded.Length];
        for (var i = 0; i < wide.Length; i++) wide[i] = Storage == FloatStorage.Bfloat16 ? Bfloat16.Widen(_rounded[i]) : (float)BitConverter.UInt16BitsToHalf(_rounded[i]);
        return wide;
    }
}
