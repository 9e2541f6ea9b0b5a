namespace Comity.Tensors.Kernels;

/// <summary>Sizes of what most convolutions in predictions are: a square kernel that moves by one pixel over one image, and perhaps the largest of 2 × 2 behind it.</summary>
/// <param name="Height">Rows of the image.</param>
/// <param name="Width">Columns of the image.</param>
/// <param name="Inputs">Channels in.</param>
/// <param name="Outputs">Channels out.</param>
/// <param name="Taps">Rows and columns of the kernel.</param>
/// <param name="Padding">Zeros around the image.</param>
/// <param name="Pools">Whether only the largest of each 2 × 2 outputs is wanted, side by side; a last row or column that is left over goes.</param>
internal readonly record struct PlainConvolution(int Height, int Width, int Inputs, int Outputs, int Taps, int Padding, bool Pools)
{
    private const int FewestChannels = 8; // below, what Winograd saves in products goes into turning images over

    public int OutputHeight => Height + 2 * Padding - Taps + 1;

    public int OutputWidth => Width + 2 * Padding - Taps + 1;

    /// <summary>Rows of what comes out.</summary>
    public int ResultHeight => Pools ? OutputHeight / 2 : OutputHeight;

    /// <summary>Columns of what comes out.</summary>
    public int ResultWidth => Pools ? OutputWidth / 2 : OutputWidth;

    /// <summary>Floats of what comes out.</summary>
    public nint Result => (nint)ResultHeight * ResultWidth * Outputs;

    /// <summary>Whether it is computed by Winograd's products.</summary>
    public bool IsWinograd => Taps == 3 && Inputs >= FewestChannels && Outputs >= FewestChannels;

    /// <summary>Whether there is a kernel for it.</summary>
    public bool HasKernel => ResultHeight > 0 && ResultWidth > 0 && (IsWinograd || Pools);
}
