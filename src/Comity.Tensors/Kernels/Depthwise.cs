using System.Runtime.CompilerServices;
using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>Convolutions of each channel by itself: the channels are the vector side.</summary>
internal static unsafe class Depthwise<TWide> where TWide : unmanaged, IWide<TWide>
{
    /// <summary>output[i, channel] = start + Σ over segments of input[i + offset, channel]·weight[segment, channel].</summary>
    public static void Correlate(in Correlation c, int channels, float* input, float* weight, float* output, float* start, bool startIsRow)
    {
        for (nint n = 0; n < c.Images; n++)
        {
            for (nint y = 0; y < c.Rows; y++)
            {
                for (nint x = 0; x < c.Columns; x++)
                {
                    float* source = input + n * c.InputImage + y * c.InputRow + x * c.InputPixel, target = output + n * c.OutputImage + y * c.OutputRow + x * c.OutputPixel;
                    Pixel(c, channels, source, weight, target, start == null ? null : startIsRow ? start : start + (target - output));
                }
            }
        }
    }

    /// <summary>dw[channel, tap] (+)= Σ over images and pixels of x·dy.</summary>
    /// <param name="s">Sizes.</param>
    /// <param name="offsets">What each tap reads in an image with its frame, shape [taps].</param>
    /// <param name="height">Rows of an image with its frame of zeros.</param>
    /// <param name="width">Columns of the same.</param>
    /// <param name="x">Shape [images, height, width, channels].</param>
    /// <param name="dy">Shape [images, height, width, channels].</param>
    /// <param name="dw">Shape [channels, taps].</param>
    /// <param name="accumulate">Whether dw holds something already.</param>
    public static void WeightRule(in ConvolutionShape s, nint* offsets, int height, int width, float* x, float* dy, float* dw, bool accumulate)
    {
        var scratch = Scratch.OfThread;
        var channels = s.Inputs;
        var sums = scratch.Work((nint)s.Taps * channels);
        new Span<float>(sums, s.Taps * channels).Clear();
        var room = scratch.Right((nint)height * width * channels);
        for (nint n = 0; n < s.Images; n++)
        {
            ConvolutionPacking.Surround(x + n * s.InputImage, s.Rows.Size, s.Columns.Size, channels, s.Rows.Padding, s.Columns.Padding, height, width, room);
            for (var tap = 0; tap < s.Taps; tap++)
            {
                for (nint y = 0; y < s.Rows.Outputs; y++)
                {
                    var source = room + offsets[tap] + y * s.Rows.Stride * width * channels;
                    Products(source, (nint)s.Columns.Stride * channels, dy + n * s.OutputImage + y * s.Columns.Outputs * channels, s.Columns.Outputs, channels, sums + (nint)tap * channels);
                }
            }
        }
        for (nint j = 0; j < channels; j++)
        {
            for (nint t = 0; t < s.Taps; t++, dw++) *dw = accumulate ? *dw + sums[t * channels + j] : sums[t * channels + j];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pixel(in Correlation c, int channels, float* source, float* weight, float* target, float* start)
    {
        var lanes = TWide.Count;
        nint j = 0;
        for (; j + lanes <= channels; j += lanes)
        {
            var sum = start == null ? TWide.Zero : TWide.Load(start + j);
            var w = weight + j;
            for (var segment = 0; segment < c.Segments; segment++, w += channels) sum = TWide.MultiplyAdd(TWide.Load(source + c.Offsets[segment] + j), TWide.Load(w), sum);
            TWide.Store(sum, target + j);
        }
        for (; j < channels; j++)
        {
            var sum = start == null ? 0 : start[j];
            for (var segment = 0; segment < c.Segments; segment++) sum = MathF.FusedMultiplyAdd(source[c.Offsets[segment] + j], weight[(nint)segment * channels + j], sum);
            target[j] = sum;
        }
    }

    // sums[channel] += Σ over a row of pixels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Products(float* x, nint pixel, float* dy, int pixels, int channels, float* sums)
    {
        var lanes = TWide.Count;
        nint j = 0;
        for (; j + lanes <= channels; j += lanes)
        {
            var sum = TWide.Load(sums + j);
            float* a = x + j, b = dy + j;
            for (var i = 0; i < pixels; i++, a += pixel, b += channels) sum = TWide.MultiplyAdd(TWide.Load(a), TWide.Load(b), sum);
            TWide.Store(sum, sums + j);
        }
        for (; j < channels; j++)
        {
            var sum = sums[j];
            for (nint i = 0; i < pixels; i++) sum = MathF.FusedMultiplyAdd(x[i * pixel + j], dy[i * channels + j], sum);
            sums[j] = sum;
        }
    }
}
