using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;

namespace Comity.Tensors.Quantization;

/// <summary>The weights of a dense layer in bytes, for predictions: a quarter of the memory, and products at twice the speed of floats or more.</summary>
/// <remarks>
/// <code>
/// once:        W [k, n]  →  signed bytes within ±64, a scale for each column (the largest weight becomes 64)
/// each call:   X [m, k]  →  unsigned bytes, a scale and a zero point for each row
///              Y = scales·(X₈ − zeros)·W₈·scales + bias: the product exact in 32 bits, then floats
/// </code>
/// Rows stand alone: a record's answer does not depend on the records beside it. The bits are the same on every processor.
/// Jacob et al. 2018, arXiv:1712.05877. Instances do not change and may be shared by threads.
/// </remarks>
public sealed unsafe class QuantizedMatrix
{
    private readonly KernelSet _kernels;
    private readonly AlignedBuffer _panels;
    private readonly float[] _scales;
    private readonly int[] _sums;

    private QuantizedMatrix(KernelSet kernels, int inputs, int outputs)
    {
        (_kernels, Inputs, Outputs, _scales, _sums) = (kernels, inputs, outputs, new float[outputs], new int[outputs]);
        _panels = new AlignedBuffer(checked((int)(kernels.BytePanels(inputs, outputs) / sizeof(float) + 1)));
    }

    /// <summary>Rows of W: values of a record.</summary>
    public int Inputs { get; }

    /// <summary>Columns of W: values of an answer.</summary>
    public int Outputs { get; }

    /// <summary>What a step of a weight's byte is worth in each column, shape [outputs]: no weight is further than half of it from what it was.</summary>
    public ReadOnlySpan<float> Scales => _scales;

    /// <summary>Rounds weights to bytes, each column by its own scale.</summary>
    /// <param name="weights">Shape [inputs, outputs], row-major.</param>
    /// <param name="inputs">Rows, at most 131 586.</param>
    /// <param name="outputs">Columns.</param>
    /// <param name="kernels">What will multiply; null: the best of this processor.</param>
    /// <exception cref="ArgumentException">The length does not fit the shape, there are too many inputs, or a weight is not finite.</exception>
    public static QuantizedMatrix Of(ReadOnlySpan<float> weights, int inputs, int outputs, KernelSet? kernels = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(inputs);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        if (inputs > Bytes.Deepest) throw new ArgumentOutOfRangeException(nameof(inputs), inputs, $"Sums of more than {Bytes.Deepest} products may not fit into 32 bits.");
        if (weights.Length != (long)inputs * outputs) throw new ArgumentException($"{weights.Length} weights do not fill {inputs}·{outputs}.", nameof(weights));
        var matrix = new QuantizedMatrix(kernels ?? KernelSet.Best, inputs, outputs);
        for (var i = 0; i < weights.Length; i++)
        {
            if (!float.IsFinite(weights[i])) throw new ArgumentException($"The weight at [{i / outputs}, {i % outputs}] is {weights[i]}; only finite weights have a scale.", nameof(weights));
            ref var largest = ref matrix._scales[i % outputs];
            largest = Math.Max(largest, Math.Abs(weights[i]));
        }
        foreach (ref var scale in matrix._scales.AsSpan()) scale /= Bytes.Largest;
        var bytes = new sbyte[weights.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            // In double precision, for a scale may be too small to have an inverse.
            var scale = (double)matrix._scales[i % outputs];
            bytes[i] = scale == 0 ? (sbyte)0 : (sbyte)Math.Clamp(Math.Round(weights[i] / scale), -Bytes.Largest, Bytes.Largest);
        }
        fixed (sbyte* b = bytes)
        {
            fixed (int* sums = matrix._sums) matrix._kernels.PackBytes(inputs, outputs, b, (sbyte*)matrix._panels.Pointer, sums);
        }
        return matrix;
    }

    /// <summary>Y = X·W + bias.</summary>
    /// <param name="x">Shape [rows, inputs]; a row that is not finite answers NaN.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="bias">Shape [outputs], or empty: none.</param>
    /// <param name="y">Shape [rows, outputs].</param>
    /// <exception cref="ArgumentException">A length does not fit its shape.</exception>
    /// <remarks>Allocates nothing once a thread has worked.</remarks>
    public void Multiply(ReadOnlySpan<float> x, int rows, ReadOnlySpan<float> bias, Span<float> y)
    {
        if (x.Length != (long)rows * Inputs) throw new ArgumentException($"X holds {x.Length} floats; {rows}·{Inputs} were expected.", nameof(x));
        if (!bias.IsEmpty && bias.Length != Outputs) throw new ArgumentException($"A bias of {bias.Length} does not fit {Outputs} columns.", nameof(bias));
        if (y.Length != (long)rows * Outputs) throw new ArgumentException($"Y holds {y.Length} floats; {rows}·{Outputs} were expected.", nameof(y));
        var memory = Scratch.OfThread.Work(2 * (nint)rows + ((nint)rows * Inputs + 3) / sizeof(float));
        var scales = memory;
        var zeros = (int*)(scales + rows);
        var bytes = (byte*)(zeros + rows);
        fixed (float* px = x, pb = bias, py = y, columnScales = _scales)
        {
            fixed (int* sums = _sums)
            {
                RowQuantization.Quantize(px, rows, Inputs, bytes, scales, zeros);
                _kernels.MultiplyBytes(rows, Outputs, Inputs, bytes, scales, zeros, (sbyte*)_panels.Pointer, columnScales, sums, bias.IsEmpty ? null : pb, py);
            }
        }
    }
}
