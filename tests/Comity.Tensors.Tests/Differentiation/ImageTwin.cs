namespace Comity.Tensors.Tests.Differentiation;

/// <summary>Slow twins of the layers over images, written from their definitions: rows of a twin are pixels in order, columns are channels.</summary>
/// <param name="Images">Images.</param>
/// <param name="Height">Rows of each.</param>
/// <param name="Width">Columns of each.</param>
internal sealed record ImageTwin(int Images, int Height, int Width)
{
    public (int, int) Shape(int channels) => (Images * Height * Width, channels);

    public Shape Sizes(int channels) => new(Images, Height, Width, channels);

    private int Row(int n, int y, int x) => (n * Height + y) * Width + x;

    /// <summary>Weights: rows are outputs, columns inputs/groups · taps.</summary>
    public Twin Convolution(Twin x, Twin w, int high, int wide, ConvolutionWindow window, double[]? bias = null)
    {
        int outputs = w.Rows, each = w.Columns / (high * wide);
        int height = (Height + 2 * window.PaddingY - window.DilationY * (high - 1) - 1) / window.StrideY + 1, width = (Width + 2 * window.PaddingX - window.DilationX * (wide - 1) - 1) / window.StrideX + 1;
        return Twin.Make(Images * height * width, outputs, (i, o) =>
        {
            int n = i / (height * width), oy = i / width % height, ox = i % width;
            var sum = bias?[o] ?? 0;
            for (var c = 0; c < each; c++)
            {
                for (var ky = 0; ky < high; ky++)
                {
                    for (var kx = 0; kx < wide; kx++)
                    {
                        int y = oy * window.StrideY + ky * window.DilationY - window.PaddingY, xx = ox * window.StrideX + kx * window.DilationX - window.PaddingX;
                        if (y >= 0 && y < Height && xx >= 0 && xx < Width) sum += x[Row(n, y, xx), o / (outputs / window.Groups) * each + c] * w[o, (c * high + ky) * wide + kx];
                    }
                }
            }
            return sum;
        });
    }

    /// <summary>Each input adds its share to the outputs that its taps hit. Weights: rows are inputs, columns outputs/groups · taps.</summary>
    public Twin TransposedConvolution(Twin x, Twin w, int high, int wide, ConvolutionWindow window, int extra = 0, double[]? bias = null)
    {
        int inputs = w.Rows, each = w.Columns / (high * wide), outputs = each * window.Groups;
        int height = (Height - 1) * window.StrideY - 2 * window.PaddingY + window.DilationY * (high - 1) + 1 + extra, width = (Width - 1) * window.StrideX - 2 * window.PaddingX + window.DilationX * (wide - 1) + 1 + extra;
        var values = new double[Images * height * width * outputs];
        for (var i = 0; bias is not null && i < values.Length; i++) values[i] = bias[i % outputs];
        for (var n = 0; n < Images; n++)
        {
            for (var p = 0; p < Height * Width * inputs * each * high * wide; p++)
            {
                int kx = p % wide, ky = p / wide % high, o = p / (wide * high) % each, c = p / (wide * high * each) % inputs, at = p / (wide * high * each * inputs);
                int y = at / Width * window.StrideY + ky * window.DilationY - window.PaddingY, xx = at % Width * window.StrideX + kx * window.DilationX - window.PaddingX;
                if (y < 0 || y >= height || xx < 0 || xx >= width) continue;
                values[((n * height + y) * width + xx) * outputs + c / (inputs / window.Groups) * each + o] += x[Row(n, at / Width, at % Width), c] * w[c, (o * high + ky) * wide + kx];
            }
        }
        return new Twin(Images * height * width, outputs, values);
    }

    public Twin Pool(Twin x, PoolingWindow window, Func<IEnumerable<double>, double> of)
    {
        int height = (Height + 2 * window.PaddingY - window.Height) / window.StrideY + 1, width = (Width + 2 * window.PaddingX - window.Width) / window.StrideX + 1;
        return Twin.Make(Images * height * width, x.Columns, (i, c) =>
        {
            int n = i / (height * width), top = i / width % height * window.StrideY - window.PaddingY, left = i % width * window.StrideX - window.PaddingX;
            return of(from y in Enumerable.Range(top, window.Height)
                      from xx in Enumerable.Range(left, window.Width)
                      where y >= 0 && y < Height && xx >= 0 && xx < Width
                      select x[Row(n, y, xx), c]);
        });
    }

    /// <summary>From [images, channels, pixels], one value a row, to pixels and channels.</summary>
    public Twin ChannelsLast(Twin x, int channels) =>
        Twin.Make(Images * Height * Width, channels, (i, c) => x.Values[(i / (Height * Width) * channels + c) * Height * Width + i % (Height * Width)]);

    public Twin ChannelsFirst(Twin x) =>
        Twin.Make(Images * x.Columns, Height * Width, (i, p) => x[i / x.Columns * Height * Width + p, i % x.Columns]);
}
