using Comity.Tensors;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;

namespace Comity.Learning.Models;

/// <summary>The dense layers of a perceptron with weights in bf16, for one record at a time.</summary>
internal sealed unsafe class HalfDense
{
    private readonly KernelSet _kernels;
    private readonly Activation _activation;
    private readonly Layer[] _layers;
    private readonly int _widest;

    private HalfDense(KernelSet kernels, Activation activation, Layer[] layers)
    {
        (_kernels, _activation, _layers) = (kernels, activation, layers);
        _widest = (layers.Max(l => l.Outputs) + 15) / 16 * 16;
    }

    /// <summary>Packs a network's weights; null where a normalisation stands between its layers.</summary>
    public static HalfDense? Of(DenseNetwork network, Span<float> parameters)
    {
        if (network.Layers is not { } indices) return null;
        var layers = new Layer[indices.Count];
        for (var i = 0; i < layers.Length; i++)
        {
            ParameterEntry weight = network.Layout.Entries[indices[i].Weight], bias = network.Layout.Entries[indices[i].Bias];
            int inputs = weight.Shape[0], outputs = weight.Shape[1];
            var panels = new AlignedBuffer(network.Kernels.HalfWords(inputs, outputs));
            fixed (float* w = network.Layout.Slice(parameters, weight)) network.Kernels.PackHalf(inputs, outputs, w, (uint*)panels.Pointer);
            var shift = new AlignedBuffer(outputs);
            network.Layout.Slice(parameters, bias).CopyTo(shift.Span);
            layers[i] = new Layer(inputs, outputs, panels, shift);
        }
        return new HalfDense(network.Kernels, network.Activation, layers);
    }

    /// <summary>Scores of one row.</summary>
    /// <param name="x">Shape [inputs].</param>
    /// <param name="scores">Shape [scores].</param>
    public void Score(float* x, float* scores)
    {
        float* work = Scratch.OfThread.Work(2 * _widest), from = x;
        for (var i = 0; i < _layers.Length; i++)
        {
            var layer = _layers[i];
            var last = i + 1 == _layers.Length;
            var to = last ? scores : work + (i & 1) * _widest;
            _kernels.MultiplyHalf(layer.Inputs, layer.Outputs, from, (uint*)layer.Panels.Pointer, to, layer.Bias.Pointer);
            if (!last) _kernels.Apply((Function)_activation, to, to, layer.Outputs);
            from = to;
        }
    }

    private sealed record Layer(int Inputs, int Outputs, AlignedBuffer Panels, AlignedBuffer Bias);
}
