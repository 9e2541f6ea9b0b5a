namespace Comity.Tensors.Kernels;

/// <summary>One axis of a convolution: output p reads the inputs p·stride + k·dilation − padding for every tap k; beyond the edges lie zeros.</summary>
/// <param name="Size">Inputs along the axis.</param>
/// <param name="Taps">Size of the kernel.</param>
/// <param name="Stride">Inputs from one output to the next.</param>
/// <param name="Padding">Zeros before the first input and after the last.</param>
/// <param name="Dilation">Inputs from one tap to the next.</param>
internal readonly record struct ConvolutionAxis(int Size, int Taps, int Stride, int Padding, int Dilation)
{
    /// <summary>Inputs that one output spans.</summary>
    public int Extent => (Taps - 1) * Dilation + 1;

    /// <summary>Outputs along the axis; below 1: the kernel does not fit.</summary>
    public int Outputs => Size + 2 * Padding < Extent ? 0 : (Size + 2 * Padding - Extent) / Stride + 1;
}

/// <summary>Sizes of a convolution over images with channels last.</summary>
/// <param name="Images">Images in the batch.</param>
/// <param name="Inputs">Channels in.</param>
/// <param name="Outputs">Channels out.</param>
/// <param name="Groups">Parts into which both kinds of channels are cut; each part sees only its own.</param>
/// <param name="Rows">The vertical axis.</param>
/// <param name="Columns">The horizontal axis.</param>
internal readonly record struct ConvolutionShape(int Images, int Inputs, int Outputs, int Groups, ConvolutionAxis Rows, ConvolutionAxis Columns)
{
    public int Taps => Rows.Taps * Columns.Taps;

    public int GroupInputs => Inputs / Groups;

    public int GroupOutputs => Outputs / Groups;

    /// <summary>Floats of one image in.</summary>
    public nint InputImage => (nint)Rows.Size * Columns.Size * Inputs;

    /// <summary>Floats of one image out.</summary>
    public nint OutputImage => (nint)Rows.Outputs * Columns.Outputs * Outputs;

    /// <summary>Each pixel by itself: a matrix product.</summary>
    public bool IsPointwise => Groups == 1 && Taps == 1 && Rows is { Stride: 1, Padding: 0 } && Columns is { Stride: 1, Padding: 0 };

    /// <summary>Each channel by itself: no product of matrices at all.</summary>
    public bool IsDepthwise => Groups == Inputs && Groups == Outputs;
}
