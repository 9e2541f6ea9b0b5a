namespace Comity.Data.Images;

/// <summary>A decoded image of 8-bit samples.</summary>
/// <param name="Height">Rows of pixels.</param>
/// <param name="Width">Columns of pixels.</param>
/// <param name="Channels">1: grey, 3: red, green and blue.</param>
/// <param name="Samples">Shape [height, width, channels], row-major.</param>
internal sealed record Picture(int Height, int Width, int Channels, byte[] Samples)
{
    /// <summary>The picture with other channels: colours weigh as in Rec. 601, grey is the same in all three.</summary>
    public Picture WithChannels(int channels)
    {
        if (channels == Channels) return this;
        var samples = new byte[Height * Width * channels];
        for (var i = 0; i < Height * Width; i++)
        {
            if (channels == 1) samples[i] = (byte)((299 * Samples[3 * i] + 587 * Samples[3 * i + 1] + 114 * Samples[3 * i + 2] + 500) / 1000);
            else samples.AsSpan(3 * i, 3).Fill(Samples[i]);
        }
        return new Picture(Height, Width, channels, samples);
    }

    /// <summary>The picture in another size: each pixel is the mean of the area that it covers, or between the centres of pixels where it covers less than one.</summary>
    public Picture Scaled(int height, int width)
    {
        if ((height, width) == (Height, Width)) return this;
        // A triangle as wide as a target pixel, at least as a source pixel: averages where it shrinks, interpolates where it grows.
        var rows = Filter(Height, height);
        var columns = Filter(Width, width);
        var between = new float[height * Width * Channels];
        for (var y = 0; y < height; y++)
        {
            foreach (var (source, weight) in rows[y])
            {
                for (var i = 0; i < Width * Channels; i++) between[y * Width * Channels + i] += weight * Samples[source * Width * Channels + i];
            }
        }
        var samples = new byte[height * width * Channels];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                for (var c = 0; c < Channels; c++)
                {
                    var sum = 0f;
                    foreach (var (source, weight) in columns[x]) sum += weight * between[(y * Width + source) * Channels + c];
                    samples[(y * width + x) * Channels + c] = (byte)Math.Clamp(MathF.Round(sum, MidpointRounding.AwayFromZero), 0, 255);
                }
            }
        }
        return new Picture(height, width, Channels, samples);
    }

    /// <summary>Writes the samples channel by channel, shape [channels, height, width].</summary>
    public void WritePlanes(Span<byte> to)
    {
        var size = Height * Width;
        for (var i = 0; i < size; i++)
            for (var c = 0; c < Channels; c++) to[c * size + i] = Samples[i * Channels + c];
    }

    private static (int Source, float Weight)[][] Filter(int from, int to)
    {
        var ratio = (double)from / to;
        var reach = Math.Max(1, ratio);
        var filter = new (int, float)[to][];
        for (var i = 0; i < to; i++)
        {
            var centre = (i + 0.5) * ratio - 0.5;
            var (first, last) = ((int)Math.Ceiling(centre - reach), (int)Math.Floor(centre + reach));
            var taps = new List<(int Source, double Weight)>();
            for (var j = Math.Max(0, first); j <= Math.Min(from - 1, last); j++)
                if (1 - Math.Abs(j - centre) / reach is > 0 and var weight) taps.Add((j, weight));
            var sum = taps.Sum(t => t.Weight);
            filter[i] = [.. taps.Select(t => (t.Source, (float)(t.Weight / sum)))];
        }
        return filter;
    }
}
