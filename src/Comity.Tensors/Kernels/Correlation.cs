namespace Comity.Tensors.Kernels;

/// <summary>A sum over shifted copies: output[i] = start + Σ over segments and their runs of input[i + offset + r]·weight[r].</summary>
/// <remarks>
/// Forwards a convolution is one of these; its derivative by the input is one for each phase of the stride. With channels last, the taps of
/// a row of the kernel lie side by side, so that a whole row is one segment with a run of taps · channels.
/// </remarks>
internal unsafe ref struct Correlation
{
    /// <summary>Positions to compute.</summary>
    public int Images, Rows, Columns;

    /// <summary>Floats from one position to the next in what is read.</summary>
    public nint InputImage, InputRow, InputPixel;

    /// <summary>Floats from one position to the next in what is written.</summary>
    public nint OutputImage, OutputRow, OutputPixel;

    /// <summary>Segments and where each begins, shape [Segments].</summary>
    public int Segments;
    public nint* Offsets;

    /// <summary>Floats of a segment.</summary>
    public int Run;

    /// <summary>Channels written at each position.</summary>
    public int Channels;
}

/// <summary>The taps of one axis that a set of positions reads, in ascending order of what they read.</summary>
internal unsafe ref struct AxisTaps
{
    public int Count;

    /// <summary>Which tap of the kernel.</summary>
    public int* Tap;

    /// <summary>What it reads, counted from the position.</summary>
    public int* Offset;

    /// <summary>Whether the taps read neighbours.</summary>
    public readonly bool AreNeighbours
    {
        get
        {
            for (var i = 1; i < Count; i++)
            {
                if (Offset[i] != Offset[i - 1] + 1) return false;
            }
            return true;
        }
    }

    /// <summary>Forwards every position reads every tap; offsets count from the padded edge.</summary>
    public static AxisTaps Forward(ConvolutionAxis axis, int* memory)
    {
        var taps = new AxisTaps { Count = axis.Taps, Tap = memory, Offset = memory + axis.Taps };
        for (var k = 0; k < axis.Taps; k++) (taps.Tap[k], taps.Offset[k]) = (k, k * axis.Dilation);
        return taps;
    }

    /// <summary>Backwards the inputs phase + i·stride read the outputs i + offset of the taps that hit them.</summary>
    public static AxisTaps Backward(ConvolutionAxis axis, int phase, int lead, int* memory)
    {
        var taps = new AxisTaps { Tap = memory, Offset = memory + axis.Taps };
        for (var k = axis.Taps - 1; k >= 0; k--)
        {
            var distance = phase + axis.Padding - k * axis.Dilation;
            if (distance % axis.Stride != 0) continue;
            (taps.Tap[taps.Count], taps.Offset[taps.Count]) = (k, distance / axis.Stride + lead);
            taps.Count++;
        }
        return taps;
    }

    /// <summary>Inputs of a phase.</summary>
    public static int Positions(ConvolutionAxis axis, int phase) => phase >= axis.Size ? 0 : (axis.Size - phase + axis.Stride - 1) / axis.Stride;

    /// <summary>Zeros that the outputs need before them, and their number with the zeros after them, so that every phase stays inside.</summary>
    public static (int Lead, int Total) Surrounding(ConvolutionAxis axis, int* memory)
    {
        int lead = 0, last = axis.Outputs - 1;
        for (var phase = 0; phase < axis.Stride; phase++)
        {
            var taps = Backward(axis, phase, 0, memory);
            if (taps.Count == 0) continue;
            lead = Math.Max(lead, -taps.Offset[0]);
            last = Math.Max(last, Positions(axis, phase) - 1 + taps.Offset[taps.Count - 1]);
        }
        return (lead, lead + last + 1);
    }
}
