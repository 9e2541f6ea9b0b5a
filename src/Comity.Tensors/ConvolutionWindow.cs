namespace Comity.Tensors;

/// <summary>How a window moves over images [images, height, width, channels]; over a series [sequences, steps, channels] the horizontal values hold.</summary>
/// <param name="StrideY">Rows from one output to the next.</param>
/// <param name="StrideX">Columns from one output to the next.</param>
/// <param name="PaddingY">Rows of zeros above and below.</param>
/// <param name="PaddingX">Columns of zeros on either side.</param>
/// <param name="DilationY">Rows from one tap of the kernel to the next.</param>
/// <param name="DilationX">Columns from one tap of the kernel to the next.</param>
/// <param name="Groups">Parts into which the channels are cut; each part of the outputs sees its part of the inputs. As many as channels: depthwise.</param>
public sealed record ConvolutionWindow(int StrideY = 1, int StrideX = 1, int PaddingY = 0, int PaddingX = 0, int DilationY = 1, int DilationX = 1, int Groups = 1)
{
    /// <summary>Stride 1, no padding, no dilation, one group.</summary>
    public static ConvolutionWindow Plain { get; } = new();

    /// <summary>The same in both directions.</summary>
    public static ConvolutionWindow Square(int stride = 1, int padding = 0, int dilation = 1, int groups = 1) => new(stride, stride, padding, padding, dilation, dilation, groups);
}

/// <summary>A window for pooling over images [images, height, width, channels]; over a series the horizontal values hold.</summary>
/// <param name="Height">Rows of the window.</param>
/// <param name="Width">Columns of the window.</param>
/// <param name="StrideY">Rows from one window to the next.</param>
/// <param name="StrideX">Columns from one window to the next.</param>
/// <param name="PaddingY">Rows that windows may reach beyond the edges, at most half a window; what lies there does not count.</param>
/// <param name="PaddingX">Columns that windows may reach beyond the edges, at most half a window.</param>
public sealed record PoolingWindow(int Height, int Width, int StrideY, int StrideX, int PaddingY = 0, int PaddingX = 0)
{
    /// <summary>The same in both directions, side by side unless a stride is given.</summary>
    public static PoolingWindow Square(int size, int? stride = null, int padding = 0) => new(size, size, stride ?? size, stride ?? size, padding, padding);
}
