using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;

namespace Comity.Learning.Models;

/// <summary>Turns a convolutional network with given weights into the layers of a <see cref="CnnPredictor"/>.</summary>
internal static unsafe class CnnPacking
{
    /// <summary>The layers; null where one of them has no place there.</summary>
    public static (IReadOnlyList<CnnPredictor.ImageLayer> Images, IReadOnlyList<CnnPredictor.DenseLayer> Dense)? Of(CnnNetwork network, Span<float> parameters, CnnSizes sizes)
    {
        if (sizes.Form != CnnForm.Image) return null;
        var images = new List<CnnPredictor.ImageLayer>();
        var dense = new List<CnnPredictor.DenseLayer>();
        for (var i = 0; i < network.Steps.Count; i++)
        {
            switch (network.Steps[i])
            {
                case DropoutStep: break;
                case ConvolutionStep step:
                    var pool = step.Activation == Activation.Identity && i + 1 < network.Steps.Count ? network.Steps[i + 1] as MaxPoolStep : null;
                    if (pool is not null && pool.Window != PoolingWindow.Square(2)) return null;
                    if (pool is not null) i++;
                    if (Image(network, parameters, step, pool, sizes) is not { } layer) return null;
                    images.Add(layer);
                    sizes = new CnnSizes(layer.Shape.Outputs, layer.Shape.ResultHeight, layer.Shape.ResultWidth, CnnForm.Image);
                    break;
                case DenseStep step:
                    dense.Add(Dense(network, parameters, step, sizes));
                    sizes = new CnnSizes(dense[^1].Outputs, 1, 1, CnnForm.Features);
                    break;
                default: return null;
            }
        }
        return images.Count == 0 ? null : (images, dense);
    }

    private static CnnPredictor.ImageLayer? Image(CnnNetwork network, Span<float> parameters, ConvolutionStep step, MaxPoolStep? pool, CnnSizes sizes)
    {
        var entry = network.Layout.Entries[step.Weight];
        var (outputs, taps, padding) = (entry.Shape[0], entry.Shape[2], step.Window.PaddingY);
        var shape = new PlainConvolution(sizes.Height, sizes.Width, sizes.Channels, outputs, taps, padding, pool is not null);
        if (step.Parts > 0 || step.Window != ConvolutionWindow.Square(1, padding) || entry.Shape[3] != taps || !shape.HasKernel) return null;
        var weights = network.Layout.Slice(parameters, entry).ToArray();
        var bias = new AlignedBuffer(outputs);
        if (step.Bias >= 0) Of(step.Bias, network, parameters).CopyTo(bias.Span);
        if (step.Scale >= 0)
        {
            // (w∗x − mean)·f + shift = (f·w)∗x + (shift − mean·f)
            ReadOnlySpan<float> scale = Of(step.Scale, network, parameters), shift = Of(step.Scale + 1, network, parameters);
            ReadOnlySpan<float> mean = Of(step.Scale + 2, network, parameters), variance = Of(step.Scale + 3, network, parameters);
            var size = weights.Length / outputs;
            for (var o = 0; o < outputs; o++)
            {
                var factor = scale[o] / MathF.Sqrt(variance[o] + Layers.NormalizationEpsilon);
                foreach (ref var w in weights.AsSpan(o * size, size)) w *= factor;
                bias.Span[o] = shift[o] - mean[o] * factor;
            }
        }
        var packed = new AlignedBuffer(checked((int)network.Kernels.PackedLength(shape)));
        fixed (float* w = weights) network.Kernels.Pack(shape, w, packed.Pointer);
        return new CnnPredictor.ImageLayer(shape, packed, bias, pool?.Activation ?? step.Activation);
    }

    // A dense layer reads an image channel by channel; here it arrives pixel by pixel, so its rows change places.
    private static CnnPredictor.DenseLayer Dense(CnnNetwork network, Span<float> parameters, DenseStep step, CnnSizes sizes)
    {
        var entry = network.Layout.Entries[step.Weight];
        int inputs = entry.Shape[0], outputs = entry.Shape[1], pixels = sizes.Height * sizes.Width;
        var from = network.Layout.Slice(parameters, entry);
        AlignedBuffer weights = new(from.Length), bias = new(outputs);
        for (var i = 0; i < inputs; i++) from.Slice((i % sizes.Channels * pixels + i / sizes.Channels) * outputs, outputs).CopyTo(weights.Span[(i * outputs)..]);
        Of(step.Bias, network, parameters).CopyTo(bias.Span);
        return new CnnPredictor.DenseLayer(inputs, outputs, weights, bias, step.Activation);
    }

    private static ReadOnlySpan<float> Of(int index, CnnNetwork network, Span<float> parameters) => network.Layout.Slice(parameters, network.Layout.Entries[index]);
}
