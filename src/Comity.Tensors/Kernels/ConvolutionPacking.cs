using System.Runtime.CompilerServices;

namespace Comity.Tensors.Kernels;

/// <summary>Moves that prepare a convolution: weights into panels, images into a frame of zeros. No bits change.</summary>
internal static unsafe class ConvolutionPacking
{
    /// <summary>Floats of a group's panels.</summary>
    public static nint PanelSize(AxisTaps vertical, AxisTaps horizontal, int inner, int columns, int width) =>
        (nint)vertical.Count * horizontal.Count * inner * ((columns + width - 1) / width * width);

    /// <summary>panels[column / width][tap, i][column % width] = w[i, column, tap] of one group; missing columns are zero.</summary>
    /// <param name="w">The group's weights.</param>
    /// <param name="vertical">Rows of taps, in order.</param>
    /// <param name="horizontal">Columns of taps, in order.</param>
    /// <param name="kernel">Taps of the kernel, which lie side by side.</param>
    /// <param name="kernelWidth">Taps of a row of it.</param>
    /// <param name="inner">Channels that are summed over.</param>
    /// <param name="innerStride">Floats from one of these to the next.</param>
    /// <param name="columns">Channels that are written.</param>
    /// <param name="columnStride">Floats from one of these to the next.</param>
    /// <param name="panels">The panels.</param>
    /// <param name="width">Columns of a panel.</param>
    /// <param name="turned">Memory for the taps of one channel, shape [kernel, width].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Panels(float* w, AxisTaps vertical, AxisTaps horizontal, int kernel, int kernelWidth, int inner, nint innerStride, int columns, nint columnStride, float* panels, int width, float* turned)
    {
        var taps = vertical.Count * horizontal.Count;
        for (var first = 0; first < columns; first += width, panels += (nint)taps * inner * width)
        {
            var wide = Math.Min(width, columns - first);
            for (nint i = 0; i < inner; i++)
            {
                // All taps of one channel, turned so that the columns lie side by side; the rows that are asked for go to their places.
                GemmPacking.Columns(w + first * columnStride + i * innerStride, (int)columnStride, wide, kernel, turned, width);
                var target = panels + i * width;
                for (var y = 0; y < vertical.Count; y++)
                {
                    var line = turned + (nint)vertical.Tap[y] * kernelWidth * width;
                    for (var x = 0; x < horizontal.Count; x++, target += (nint)inner * width) new Span<float>(line + (nint)horizontal.Tap[x] * width, width).CopyTo(new Span<float>(target, width));
                }
            }
        }
    }

    /// <summary>packed[tap, channel] = w[channel, tap], for convolutions of each channel by itself.</summary>
    public static void Channels(float* w, AxisTaps vertical, AxisTaps horizontal, int kernelWidth, int taps, int channels, float* packed)
    {
        for (var y = 0; y < vertical.Count; y++)
        {
            for (var x = 0; x < horizontal.Count; x++)
            {
                var tap = w + vertical.Tap[y] * kernelWidth + horizontal.Tap[x];
                for (nint c = 0; c < channels; c++) *packed++ = tap[c * taps];
            }
        }
    }

    /// <summary>dw[column, i, tap] (+)= sums[tap, i, column].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(float* sums, nint ld, int taps, int inner, int columns, float* dw, bool accumulate)
    {
        for (nint j = 0; j < columns; j++)
        {
            for (nint i = 0; i < inner; i++, dw += taps)
            {
                for (nint t = 0; t < taps; t++)
                {
                    var value = sums[(t * inner + i) * ld + j];
                    dw[t] = accumulate ? dw[t] + value : value;
                }
            }
        }
    }

    /// <summary>Copies an image into a larger one, zero around it.</summary>
    public static void Surround(float* source, int rows, int columns, int channels, int top, int left, int height, int width, float* target)
    {
        nint line = (nint)columns * channels, before = (nint)left * channels, after = (nint)(width - left - columns) * channels;
        Zero(target, (nint)top * width * channels);
        target += (nint)top * width * channels;
        for (var y = 0; y < rows; y++, source += line, target += (nint)width * channels)
        {
            Zero(target, before);
            Buffer.MemoryCopy(source, target + before, line * sizeof(float), line * sizeof(float));
            Zero(target + before + line, after);
        }
        Zero(target, (nint)(height - top - rows) * width * channels);
    }

    /// <summary>panel[d, j] = source[d, j]; missing columns are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Columns(float* source, nint ld, int columns, nint depth, float* panel, int width)
    {
        for (nint d = 0; d < depth; d++, source += ld, panel += width)
        {
            Buffer.MemoryCopy(source, panel, width * sizeof(float), columns * sizeof(float));
            for (var j = columns; j < width; j++) panel[j] = 0;
        }
    }

    private static void Zero(float* target, nint length) => new Span<float>(target, (int)length).Clear();
}
