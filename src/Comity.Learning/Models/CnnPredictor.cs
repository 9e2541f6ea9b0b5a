using System.Collections.Concurrent;
using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;

namespace Comity.Learning.Models;

/// <summary>A convolutional network over images with its weights packed, for predictions again and again.</summary>
/// <remarks>
/// An image passes through all convolutions before the next one comes, so that what it turns into stays in the second cache; batch normalisation is part of the
/// weights, pooling of the convolution before it. The dense layers judge many images together. Safe for several threads.
/// </remarks>
internal sealed unsafe class CnnPredictor
{
    private const int RowsAtOnce = 64;
    private readonly KernelSet _kernels;
    private readonly CnnSizes _input;
    private readonly IReadOnlyList<ImageLayer> _images;
    private readonly IReadOnlyList<DenseLayer> _dense;
    private readonly ConcurrentBag<AlignedBuffer> _rooms = [];
    private readonly nint _largest; // floats of an image between two layers
    private readonly nint _widest; // floats of a row between two dense layers

    private CnnPredictor(KernelSet kernels, CnnSizes input, IReadOnlyList<ImageLayer> images, IReadOnlyList<DenseLayer> dense)
    {
        (_kernels, _input, _images, _dense) = (kernels, input, images, dense);
        _largest = Lines(images.Max(i => i.Shape.Result));
        _widest = Lines(dense.Max(d => Math.Max(d.Inputs, d.Outputs)));
    }

    /// <summary>Packs a network's weights; null where a layer stands in it that has no place here.</summary>
    public static CnnPredictor? Of(CnnNetwork network, Span<float> parameters)
    {
        var input = CnnSizes.Of(network.Input);
        return CnnPacking.Of(network, parameters, input) is var (images, dense) ? new CnnPredictor(network.Kernels, input, images, dense) : null;
    }

    /// <summary>Scores of rows.</summary>
    /// <param name="x">Shape [rows, channels, height, width].</param>
    /// <param name="rows">How many.</param>
    /// <param name="scores">Shape [rows, scores].</param>
    public void Score(float* x, int rows, float* scores)
    {
        nint turned = Lines((nint)_input.Length), most = Math.Min(rows, RowsAtOnce);
        var needed = checked((int)(turned + 2 * _largest + 2 * most * _widest));
        if (!_rooms.TryTake(out var room) || room.Length < needed) room = new AlignedBuffer(needed);
        float* image = room.Pointer, features = image + turned + 2 * _largest;
        for (var first = 0; first < rows; first += RowsAtOnce)
        {
            var count = Math.Min(RowsAtOnce, rows - first);
            for (nint i = 0; i < count; i++) Convolve(x + (first + i) * (nint)_input.Length, image, features + i * _dense[0].Inputs);
            Judge(count, features, features + most * _widest, scores + (nint)first * _dense[^1].Outputs);
        }
        _rooms.Add(room);
    }

    private void Convolve(float* x, float* room, float* features)
    {
        if (_input.Channels > 1)
        {
            Images.Transpose(x, 1, _input.Channels, _input.Height * _input.Width, room);
            x = room;
        }
        var between = room + Lines((nint)_input.Length);
        for (var i = 0; i < _images.Count; i++)
        {
            var layer = _images[i];
            var to = i + 1 == _images.Count ? features : between + (i & 1) * _largest;
            _kernels.Convolve(layer.Shape, x, layer.Weights.Pointer, layer.Bias.Pointer, to);
            if (layer.Activation != Activation.Identity) _kernels.Apply((Function)layer.Activation, to, to, layer.Shape.Result);
            x = to;
        }
    }

    private void Judge(int rows, float* from, float* other, float* scores)
    {
        for (var i = 0; i < _dense.Count; i++)
        {
            var layer = _dense[i];
            var to = i + 1 == _dense.Count ? scores : other;
            _kernels.Gemm(false, false, rows, layer.Outputs, layer.Inputs, from, layer.Inputs, layer.Weights.Pointer, layer.Outputs, to, layer.Outputs, layer.Bias.Pointer, 0);
            if (layer.Activation != Activation.Identity) _kernels.Apply((Function)layer.Activation, to, to, (nint)rows * layer.Outputs);
            other = from;
            from = to;
        }
    }

    private static nint Lines(nint floats) => (floats + 15) / 16 * 16;

    /// <summary>A convolution, what is left of its normalisation, its pooling and its activation.</summary>
    internal sealed record ImageLayer(PlainConvolution Shape, AlignedBuffer Weights, AlignedBuffer Bias, Activation Activation);

    /// <summary>A dense layer; the first one's rows are in the order in which the convolutions leave an image.</summary>
    internal sealed record DenseLayer(int Inputs, int Outputs, AlignedBuffer Weights, AlignedBuffer Bias, Activation Activation);
}
