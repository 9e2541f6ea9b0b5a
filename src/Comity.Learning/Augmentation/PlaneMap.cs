namespace Comity.Learning.Augmentation;

/// <summary>Where each pixel of a changed image is taken from: (y, x) ↦ (A·y + B·x + C, D·y + E·x + F), in pixels from the image's centre.</summary>
/// <remarks>Several changes become one map, so that an image is resampled, and thereby blurred, once.</remarks>
internal readonly record struct PlaneMap(double A, double B, double C, double D, double E, double F)
{
    public static PlaneMap Identity { get; } = new(1, 0, 0, 0, 1, 0);

    public static PlaneMap Translation(double y, double x) => new(1, 0, y, 0, 1, x);

    public static PlaneMap Stretch(double y, double x) => new(y, 0, 0, 0, x, 0);

    public static PlaneMap Turn(double radians)
    {
        var (sin, cos) = Math.SinCos(radians);
        return new(cos, -sin, 0, sin, cos, 0);
    }

    /// <summary>This change, and then another: a pixel is looked up by the later one first.</summary>
    public PlaneMap Then(in PlaneMap later) => new(
        A * later.A + B * later.D, A * later.B + B * later.E, A * later.C + B * later.F + C,
        D * later.A + E * later.D, D * later.B + E * later.E, D * later.C + E * later.F + F);

    /// <summary>Draws the changed image, bilinearly; beyond the edge the edge's value holds.</summary>
    /// <param name="from">Shape [channels, height, width].</param>
    /// <param name="to">The same shape; overwritten.</param>
    /// <param name="image">The shape.</param>
    public void Draw(ReadOnlySpan<float> from, Span<float> to, ImageInput image)
    {
        var (height, width) = (image.Height, image.Width);
        var (cy, cx) = ((height - 1) / 2.0, (width - 1) / 2.0);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var sourceY = Math.Clamp(A * (y - cy) + B * (x - cx) + C + cy, 0, height - 1);
                var sourceX = Math.Clamp(D * (y - cy) + E * (x - cx) + F + cx, 0, width - 1);
                var (y0, x0) = ((int)sourceY, (int)sourceX);
                var (y1, x1) = (Math.Min(y0 + 1, height - 1), Math.Min(x0 + 1, width - 1));
                var (fy, fx) = ((float)(sourceY - y0), (float)(sourceX - x0));
                for (var channel = 0; channel < image.Channels; channel++)
                {
                    var plane = from.Slice(channel * height * width, height * width);
                    var upper = plane[y0 * width + x0] * (1 - fx) + plane[y0 * width + x1] * fx;
                    var lower = plane[y1 * width + x0] * (1 - fx) + plane[y1 * width + x1] * fx;
                    to[(channel * height + y) * width + x] = upper * (1 - fy) + lower * fy;
                }
            }
        }
    }
}
