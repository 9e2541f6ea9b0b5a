using System.Runtime.CompilerServices;
using Comity.Tensors.Memory;

namespace Comity.Tensors.Kernels;

/// <summary>Convolutions over images with channels last, on one thread.</summary>
/// <remarks>
/// No columns are unrolled (im2col): with channels last, what a row of the kernel reads is one run of memory, so the tile of the matrix
/// product reads padded images where they are, a segment of its depth for each row of taps. Each value is one chain of fused
/// multiply-adds in a fixed order, so neither blocks nor threads change a bit.
/// </remarks>
internal static unsafe class Convolution<TWide> where TWide : unmanaged, IWide<TWide>
{
    // Depth after which a panel of weights would no longer stay in the first cache.
    private const int PassDepth = 384;

    // Floats of padded images that are worked on at once: few while the weights fit the second cache, more when these must be fetched.
    private const int FewFloats = 16 * 1024, ManyFloats = 64 * 1024;

    /// <summary>y = start + w ∗ x.</summary>
    /// <param name="s">Sizes.</param>
    /// <param name="x">Shape [images, height, width, inputs].</param>
    /// <param name="w">Shape [outputs, inputs/groups, taps].</param>
    /// <param name="start">Null: zero; y itself: accumulate; or one value a channel (a bias).</param>
    /// <param name="y">Shape [images, height, width, outputs].</param>
    public static void Forward(in ConvolutionShape s, float* x, float* w, float* start, float* y)
    {
        if (s.IsPointwise)
        {
            var pixels = s.Images * s.Rows.Size * s.Columns.Size;
            Gemm<TWide>.Run(false, true, pixels, s.Outputs, s.Inputs, x, s.Inputs, w, s.Inputs, y, s.Outputs, start, start == y ? s.Outputs : 0);
            return;
        }
        int* memory = stackalloc int[2 * (s.Rows.Taps + s.Columns.Taps)];
        AxisTaps vertical = AxisTaps.Forward(s.Rows, memory), horizontal = AxisTaps.Forward(s.Columns, memory + 2 * s.Rows.Taps);
        int height = s.Rows.Size + 2 * s.Rows.Padding, width = s.Columns.Size + 2 * s.Columns.Padding;
        nint* offsets = stackalloc nint[s.Taps];
        var c = new Correlation
        {
            Rows = s.Rows.Outputs,
            Columns = s.Columns.Outputs,
            InputImage = (nint)height * width * s.Inputs,
            InputRow = (nint)s.Rows.Stride * width * s.Inputs,
            InputPixel = (nint)s.Columns.Stride * s.Inputs,
            OutputImage = s.OutputImage,
            OutputRow = (nint)s.Columns.Outputs * s.Outputs,
            OutputPixel = s.Outputs,
            Offsets = offsets,
            Channels = s.GroupOutputs,
        };
        Segment(ref c, s, vertical, horizontal, (nint)width * s.Inputs, s.Inputs, s.GroupInputs);
        var scratch = Scratch.OfThread;
        var size = ConvolutionPacking.PanelSize(vertical, horizontal, s.GroupInputs, s.GroupOutputs, Tiles<TWide>.Width);
        float* panels = scratch.Left(size * s.Groups), turned = scratch.Work((nint)s.Taps * Tiles<TWide>.Width);
        if (s.IsDepthwise) ConvolutionPacking.Channels(w, vertical, horizontal, s.Columns.Taps, s.Taps, s.Inputs, panels);
        for (nint g = 0; g < s.Groups && !s.IsDepthwise; g++)
        {
            var group = w + g * s.GroupOutputs * s.GroupInputs * s.Taps;
            ConvolutionPacking.Panels(group, vertical, horizontal, s.Taps, s.Columns.Taps, s.GroupInputs, s.Taps, s.GroupOutputs, (nint)s.GroupInputs * s.Taps, panels + g * size, Tiles<TWide>.Width, turned);
        }
        var padded = s.Rows.Padding > 0 || s.Columns.Padding > 0;
        var atOnce = ImagesAtOnce(s.Images, c.InputImage, size * s.Groups);
        for (var first = 0; first < s.Images; first += atOnce)
        {
            c.Images = Math.Min(atOnce, s.Images - first);
            var source = x + first * s.InputImage;
            if (padded)
            {
                var room = scratch.Right(c.InputImage * c.Images);
                for (nint i = 0; i < c.Images; i++)
                    ConvolutionPacking.Surround(source + i * s.InputImage, s.Rows.Size, s.Columns.Size, s.Inputs, s.Rows.Padding, s.Columns.Padding, height, width, room + i * c.InputImage);
                source = room;
            }
            var target = y + first * s.OutputImage;
            if (s.IsDepthwise) Depthwise<TWide>.Correlate(c, s.Inputs, source, panels, target, start == y ? target : start, start != y);
            for (nint g = 0; g < s.Groups && !s.IsDepthwise; g++)
                Correlate(c, source + g * s.GroupInputs, panels + g * size, target + g * s.GroupOutputs, start == null ? null : start == y ? target + g * s.GroupOutputs : start + g * s.GroupOutputs, start != y);
        }
    }

    /// <summary>dx = start + the convolution's derivative by its input, for a given derivative by its output; by itself, a transposed convolution.</summary>
    /// <param name="s">Sizes of the convolution.</param>
    /// <param name="dy">Shape [images, height, width, outputs].</param>
    /// <param name="w">Shape [outputs, inputs/groups, taps].</param>
    /// <param name="start">Null: zero; dx itself: accumulate; or one value for each of dx's channels.</param>
    /// <param name="dx">Shape [images, height, width, inputs].</param>
    public static void InputRule(in ConvolutionShape s, float* dy, float* w, float* start, float* dx)
    {
        if (s.IsPointwise)
        {
            var pixels = s.Images * s.Rows.Size * s.Columns.Size;
            Gemm<TWide>.Run(false, false, pixels, s.Inputs, s.Outputs, dy, s.Outputs, w, s.Inputs, dx, s.Inputs, start, start == dx ? s.Inputs : 0);
            return;
        }
        int* memory = stackalloc int[2 * (s.Rows.Taps + s.Columns.Taps)];
        int* memoryToo = memory + 2 * s.Rows.Taps;
        var (top, height) = AxisTaps.Surrounding(s.Rows, memory);
        var (left, width) = AxisTaps.Surrounding(s.Columns, memoryToo);
        nint* offsets = stackalloc nint[s.Taps];
        var scratch = Scratch.OfThread;
        var lanes = Tiles<TWide>.Width;
        nint wide = (s.GroupInputs + lanes - 1) / lanes * lanes;
        float* panels = scratch.Left(wide * s.GroupOutputs * s.Taps * s.Groups), turned = scratch.Work((nint)s.Taps * lanes);
        var panel = panels;
        for (var phase = 0; phase < s.Rows.Stride * s.Columns.Stride; phase++)
        {
            var vertical = AxisTaps.Backward(s.Rows, phase / s.Columns.Stride, top, memory);
            var horizontal = AxisTaps.Backward(s.Columns, phase % s.Columns.Stride, left, memoryToo);
            if (s.IsDepthwise)
            {
                ConvolutionPacking.Channels(w, vertical, horizontal, s.Columns.Taps, s.Taps, s.Inputs, panel);
                panel += (nint)vertical.Count * horizontal.Count * s.Inputs;
            }
            for (nint g = 0; g < s.Groups && !s.IsDepthwise; g++)
            {
                var group = w + g * s.GroupOutputs * s.GroupInputs * s.Taps;
                ConvolutionPacking.Panels(group, vertical, horizontal, s.Taps, s.Columns.Taps, s.GroupOutputs, (nint)s.GroupInputs * s.Taps, s.GroupInputs, s.Taps, panel, lanes, turned);
                panel += wide * s.GroupOutputs * vertical.Count * horizontal.Count;
            }
        }
        var image = (nint)height * width * s.Outputs;
        var padded = height > s.Rows.Outputs || width > s.Columns.Outputs;
        var atOnce = ImagesAtOnce(s.Images, image, (nint)(panel - panels));
        for (var first = 0; first < s.Images; first += atOnce)
        {
            var images = Math.Min(atOnce, s.Images - first);
            var source = dy + first * s.OutputImage;
            if (padded)
            {
                var room = scratch.Right(image * images);
                for (nint i = 0; i < images; i++)
                    ConvolutionPacking.Surround(source + i * s.OutputImage, s.Rows.Outputs, s.Columns.Outputs, s.Outputs, top, left, height, width, room + i * image);
                source = room;
            }
            panel = panels;
            for (var phase = 0; phase < s.Rows.Stride * s.Columns.Stride; phase++)
            {
                int y = phase / s.Columns.Stride, x = phase % s.Columns.Stride;
                var vertical = AxisTaps.Backward(s.Rows, y, top, memory);
                var horizontal = AxisTaps.Backward(s.Columns, x, left, memoryToo);
                var c = new Correlation
                {
                    Images = images,
                    Rows = AxisTaps.Positions(s.Rows, y),
                    Columns = AxisTaps.Positions(s.Columns, x),
                    InputImage = image,
                    InputRow = (nint)width * s.Outputs,
                    InputPixel = s.Outputs,
                    OutputImage = s.InputImage,
                    OutputRow = (nint)s.Rows.Stride * s.Columns.Size * s.Inputs,
                    OutputPixel = (nint)s.Columns.Stride * s.Inputs,
                    Offsets = offsets,
                    Channels = s.GroupInputs,
                };
                Segment(ref c, s, vertical, horizontal, (nint)width * s.Outputs, s.Outputs, s.GroupOutputs);
                var target = dx + first * s.InputImage + ((nint)y * s.Columns.Size + x) * s.Inputs;
                if (s.IsDepthwise)
                {
                    Depthwise<TWide>.Correlate(c, s.Inputs, source, panel, target, start == dx ? target : start, start != dx);
                    panel += (nint)c.Segments * s.Inputs;
                }
                for (nint g = 0; g < s.Groups && !s.IsDepthwise; g++)
                {
                    float* into = target + g * s.GroupInputs, from = start == null ? null : start == dx ? into : start + g * s.GroupInputs;
                    Correlate(c, source + g * s.GroupOutputs, panel, into, from, start != dx);
                    panel += wide * s.GroupOutputs * vertical.Count * horizontal.Count;
                }
            }
        }
    }

    /// <summary>dw (+)= the convolution's derivative by its weights.</summary>
    /// <param name="s">Sizes.</param>
    /// <param name="x">Shape [images, height, width, inputs].</param>
    /// <param name="dy">Shape [images, height, width, outputs].</param>
    /// <param name="dw">Shape [outputs, inputs/groups, taps].</param>
    /// <param name="accumulate">Whether dw holds something already.</param>
    /// <param name="part">Which part of the output channels, if they are shared.</param>
    /// <param name="parts">Parts into which they are cut.</param>
    public static void WeightRule(in ConvolutionShape s, float* x, float* dy, float* dw, bool accumulate, int part = 0, int parts = 1)
    {
        if (!CanShareWeights(s) && part > 0) return;
        if (s.IsPointwise)
        {
            var depth = s.Images * s.Rows.Size * s.Columns.Size;
            Gemm<TWide>.Run(true, false, s.Outputs, s.Inputs, depth, dy, s.Outputs, x, s.Inputs, dw, s.Inputs, accumulate ? dw : null, s.Inputs);
            return;
        }
        if (s.IsDepthwise)
        {
            DepthwiseSums(s, x, dy, dw, accumulate);
            return;
        }
        var lanes = Tiles<TWide>.Width;
        int all = (s.GroupOutputs + lanes - 1) / lanes, ld = all * lanes;
        var (firstPanel, panels) = CanShareWeights(s) ? (all * part / parts, all * (part + 1) / parts) : (0, all);
        if (firstPanel == panels) return;
        var sums = PanelSums(s, x, dy, firstPanel, panels, ld);
        nint group = (nint)s.Taps * s.GroupInputs * ld;
        var columns = Math.Min(s.GroupOutputs, panels * lanes) - firstPanel * lanes;
        for (nint g = 0; g < s.Groups; g++)
            ConvolutionPacking.Unpack(sums + g * group + firstPanel * lanes, ld, s.Taps, s.GroupInputs, columns, dw + (g * s.GroupOutputs + firstPanel * lanes) * s.GroupInputs * s.Taps, accumulate);
    }

    /// <summary>The convolution's derivative by its weights in no particular order, with zeros among it: enough for its norm.</summary>
    /// <param name="s">Sizes.</param>
    /// <param name="x">Shape [images, height, width, inputs].</param>
    /// <param name="dy">Shape [images, height, width, outputs].</param>
    /// <param name="length">Floats of it.</param>
    /// <returns>Working memory of this thread, good until its next use.</returns>
    public static float* WeightSums(in ConvolutionShape s, float* x, float* dy, out nint length)
    {
        if (s.IsPointwise || s.IsDepthwise)
        {
            length = (nint)s.Outputs * s.GroupInputs * s.Taps;
            // A depthwise rule keeps its own sums where those of other convolutions lie.
            var derivative = s.IsPointwise ? Scratch.OfThread.Work(length) : Scratch.OfThread.Left(length);
            WeightRule(s, x, dy, derivative, accumulate: false);
            return derivative;
        }
        var lanes = Tiles<TWide>.Width;
        var panels = (s.GroupOutputs + lanes - 1) / lanes;
        length = (nint)s.Taps * s.GroupInputs * panels * lanes * s.Groups;
        return PanelSums(s, x, dy, 0, panels, panels * lanes);
    }

    private static void DepthwiseSums(in ConvolutionShape s, float* x, float* dy, float* dw, bool accumulate)
    {
        int* memory = stackalloc int[2 * (s.Rows.Taps + s.Columns.Taps)];
        AxisTaps vertical = AxisTaps.Forward(s.Rows, memory), horizontal = AxisTaps.Forward(s.Columns, memory + 2 * s.Rows.Taps);
        int height = s.Rows.Size + 2 * s.Rows.Padding, width = s.Columns.Size + 2 * s.Columns.Padding;
        nint* offsets = stackalloc nint[s.Taps];
        var c = new Correlation { Offsets = offsets };
        Segment(ref c, s, vertical, horizontal, (nint)width * s.Inputs, s.Inputs, s.GroupInputs);
        Depthwise<TWide>.WeightRule(s, c.Offsets, height, width, x, dy, dw, accumulate);
    }

    // The derivative by the weights as the tiles leave it: [group, tap, input, ld], of chosen panels of the output channels.
    private static float* PanelSums(in ConvolutionShape s, float* x, float* dy, int firstPanel, int panels, int ld)
    {
        int* memory = stackalloc int[2 * (s.Rows.Taps + s.Columns.Taps)];
        AxisTaps vertical = AxisTaps.Forward(s.Rows, memory), horizontal = AxisTaps.Forward(s.Columns, memory + 2 * s.Rows.Taps);
        int height = s.Rows.Size + 2 * s.Rows.Padding, width = s.Columns.Size + 2 * s.Columns.Padding, lanes = Tiles<TWide>.Width;
        nint* offsets = stackalloc nint[s.Taps];
        var c = new Correlation { Offsets = offsets };
        Segment(ref c, s, vertical, horizontal, (nint)width * s.Inputs, s.Inputs, s.GroupInputs);
        var scratch = Scratch.OfThread;
        nint group = (nint)s.Taps * s.GroupInputs * ld, pixels = (nint)s.Rows.Outputs * s.Columns.Outputs;
        var sums = scratch.Work(group * s.Groups);
        var packed = scratch.Left(pixels * lanes);
        var room = s.Rows.Padding > 0 || s.Columns.Padding > 0 ? scratch.Right((nint)height * width * s.Inputs) : null;
        // The output's rows in parts, so that a part of the image stays in the first cache.
        var rowsAtOnce = Math.Clamp(256 / s.Columns.Outputs, 1, s.Rows.Outputs);
        nint* rows = stackalloc nint[rowsAtOnce];
        for (var i = 0; i < rowsAtOnce; i++) rows[i] = (nint)i * s.Rows.Stride * width * s.Inputs;
        for (nint n = 0; n < s.Images; n++)
        {
            var image = x + n * s.InputImage;
            if (room != null)
            {
                ConvolutionPacking.Surround(image, s.Rows.Size, s.Columns.Size, s.Inputs, s.Rows.Padding, s.Columns.Padding, height, width, room);
                image = room;
            }
            for (var y = 0; y < s.Rows.Outputs; y += rowsAtOnce)
            {
                var count = Math.Min(rowsAtOnce, s.Rows.Outputs - y);
                var fresh = n == 0 && y == 0;
                var strip = image + (nint)y * s.Rows.Stride * width * s.Inputs;
                for (nint g = 0; g < s.Groups; g++)
                {
                    for (var j = firstPanel; j < panels; j++)
                    {
                        var from = dy + n * s.OutputImage + (nint)y * s.Columns.Outputs * s.Outputs + g * s.GroupOutputs + j * lanes;
                        ConvolutionPacking.Columns(from, s.Outputs, Math.Min(lanes, s.GroupOutputs - j * lanes), (nint)count * s.Columns.Outputs, packed, lanes);
                        Products(c, s, strip + g * s.GroupInputs, rows, count, packed, sums + g * group + j * lanes, ld, fresh);
                    }
                }
            }
        }
        return sums;
    }

    /// <summary>Whether parts of the output channels can be left to several threads; their weights have nothing in common.</summary>
    public static bool CanShareWeights(in ConvolutionShape s) => s.Groups == 1 && !s.IsDepthwise && !s.IsPointwise;

    // sums[segment, r] += Σ over the pixels of some rows of x[pixel + offset + r]·dy[pixel], for one panel of dy.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Products(in Correlation c, in ConvolutionShape s, float* x, nint* rows, int count, float* dy, float* sums, nint ld, bool fresh)
    {
        var pixel = (nint)s.Columns.Stride * s.Inputs;
        var tiles = (c.Run + TWide.TileRows - 1) / TWide.TileRows;
        for (var segment = 0; segment < c.Segments; segment++)
        {
            var target = sums + (nint)segment * c.Run * ld;
            Tiles<TWide>.Column(c.Run, tiles, 0, count, rows, s.Columns.Outputs, x + c.Offsets[segment], 1, pixel, dy, Tiles<TWide>.Width, target, ld, fresh ? null : target, ld);
        }
    }

    // A row of taps is one segment where it lies in one run of memory; otherwise each tap is one.
    private static void Segment(ref Correlation c, in ConvolutionShape s, AxisTaps vertical, AxisTaps horizontal, nint row, nint pixel, int channels)
    {
        var merged = s.Groups == 1 && !s.IsDepthwise && horizontal.Count > 1 && horizontal.AreNeighbours && horizontal.Count * channels <= PassDepth;
        c.Run = merged ? horizontal.Count * channels : channels;
        c.Segments = 0;
        for (var i = 0; i < vertical.Count; i++)
        {
            for (var j = 0; j < (merged ? 1 : horizontal.Count); j++) c.Offsets[c.Segments++] = vertical.Offset[i] * row + horizontal.Offset[j] * pixel;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Correlate(in Correlation c, float* input, float* panels, float* output, float* start, bool startIsRow)
    {
        if (c.Segments == 0)
        {
            Untouched(c, output, start, startIsRow);
            return;
        }
        var width = Tiles<TWide>.Width;
        var depth = (nint)c.Segments * c.Run;
        var perPass = Math.Max(1, PassDepth / c.Run);
        // A tile takes neighbours in a row, or, where rows are short, the same pixel of several images.
        var alongImages = c.Columns < TWide.TileRows - 1 && c.Images > c.Columns;
        int tiled = alongImages ? c.Images : c.Columns, others = alongImages ? c.Columns : c.Images;
        nint inTile = alongImages ? c.InputImage : c.InputPixel, inOther = alongImages ? c.InputPixel : c.InputImage;
        nint outTile = alongImages ? c.OutputImage : c.OutputPixel, outOther = alongImages ? c.OutputPixel : c.OutputImage;
        var tiles = (tiled + TWide.TileRows - 1) / TWide.TileRows;
        var edge = Scratch.OfThread.Tile;
        for (var segment = 0; segment < c.Segments; segment += perPass)
        {
            var segments = Math.Min(perPass, c.Segments - segment);
            var isRow = startIsRow && segment == 0;
            var from = segment == 0 ? start : output;
            for (var j = 0; j < c.Channels; j += width)
            {
                var wide = Math.Min(width, c.Channels - j);
                var panel = panels + (j * depth + (nint)segment * c.Run * width);
                for (nint other = 0; other < others; other++)
                {
                    for (nint row = 0; row < c.Rows; row++)
                    {
                        float* a = input + other * inOther + row * c.InputRow, o = output + other * outOther + row * c.OutputRow + j;
                        var begin = from == null ? null : isRow ? from + j : from + (o - output);
                        if (wide == width)
                        {
                            Tiles<TWide>.Column(tiled, tiles, 0, segments, c.Offsets + segment, c.Run, a, inTile, 1, panel, width, o, outTile, begin, isRow ? 0 : outTile);
                            continue;
                        }
                        for (int t = 0, i = 0; t < tiles; t++)
                        {
                            var rows = (tiled - i + tiles - t - 1) / (tiles - t);
                            var b = begin == null || isRow ? begin : begin + i * outTile;
                            Tiles<TWide>.Edge(rows, wide, segments, c.Offsets + segment, c.Run, a + i * inTile, inTile, 1, panel, width, o + i * outTile, outTile, b, isRow ? 0 : outTile, edge);
                            i += rows;
                        }
                    }
                }
            }
        }
    }

    // Inputs that a stride has jumped over: nothing but the start.
    private static void Untouched(in Correlation c, float* output, float* start, bool startIsRow)
    {
        if (start != null && !startIsRow) return;
        for (nint n = 0; n < c.Images; n++)
        {
            for (nint y = 0; y < c.Rows; y++)
            {
                for (nint x = 0; x < c.Columns; x++)
                {
                    var pixel = output + n * c.OutputImage + y * c.OutputRow + x * c.OutputPixel;
                    for (nint j = 0; j < c.Channels; j++) pixel[j] = start == null ? 0 : start[j];
                }
            }
        }
    }

    private static int ImagesAtOnce(int images, nint image, nint weights)
    {
        var floats = weights > ManyFloats ? ManyFloats : FewFloats;
        return (int)Math.Clamp(floats / Math.Max(1, image), 1, images);
    }
}
