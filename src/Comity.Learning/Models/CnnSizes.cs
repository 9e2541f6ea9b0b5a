using System.Globalization;

namespace Comity.Learning.Models;

/// <summary>What goes from layer to layer of a convolutional network: an image, or, once flattened, features.</summary>
/// <param name="Channels">Channels, or features.</param>
/// <param name="Height">Rows; 1 for a series.</param>
/// <param name="Width">Columns, or steps.</param>
/// <param name="Form">Which of the sizes there are.</param>
internal readonly record struct CnnSizes(int Channels, int Height, int Width, CnnForm Form)
{
    /// <summary>Floats of one example.</summary>
    public long Length => (long)Channels * Height * Width;

    /// <summary>Sizes of the input.</summary>
    public static CnnSizes Of(InputShape input) => input switch
    {
        ImageInput image => new(image.Channels, image.Height, image.Width, CnnForm.Image),
        SeriesInput series => new(series.Channels, 1, series.Steps, CnnForm.Series),
        _ => throw new ArgumentException($"A convolutional network reads images or series, not {InputNames.Of(input)}.", nameof(input)),
    };

    /// <summary>The first layer that does not fit what arrives; null: all fit.</summary>
    public static CnnMisfit? Misfit(CnnSection section, InputShape input)
    {
        var sizes = Of(input);
        for (var i = 0; i < section.Layers.Count; i++)
        {
            var layer = section.Layers[i];
            if (sizes.Expected(layer) is { } expected) return new CnnMisfit(string.Create(CultureInfo.InvariantCulture, $"layers[{i}] ({layer.Kind})"), sizes.ToString(), expected);
            sizes = sizes.After(layer);
        }
        return null;
    }

    /// <summary>What comes out of a layer that fits.</summary>
    public CnnSizes After(CnnLayerSection layer) => layer switch
    {
        ConvLayerSection c => this with { Channels = c.Channels, Height = Form == CnnForm.Series ? 1 : Moved(Height, Extent(c), c.Stride, c.PaddingOrSame), Width = Moved(Width, Extent(c), c.Stride, c.PaddingOrSame) },
        ResidualLayerSection r => this with { Channels = r.Channels, Height = Form == CnnForm.Series ? 1 : Moved(Height, 3, r.Stride, 1), Width = Moved(Width, 3, r.Stride, 1) },
        MaxPoolLayerSection p => Pooled(p.Size, p.Stride ?? p.Size),
        AveragePoolLayerSection p => Pooled(p.Size, p.Stride ?? p.Size),
        GlobalAverageLayerSection => new(Channels, 1, 1, CnnForm.Features),
        DenseLayerSection d => new(d.Units, 1, 1, CnnForm.Features),
        _ => this,
    };

    /// <summary>[channels, height, width], [channels, steps] or [features].</summary>
    public override string ToString() => Form switch
    {
        CnnForm.Image => $"[{Channels}, {Height}, {Width}]",
        CnnForm.Series => $"[{Channels}, {Width}]",
        _ => $"[{Channels}]",
    };

    // The shape that a layer would have taken; null: this one.
    private string? Expected(CnnLayerSection layer)
    {
        if (Form == CnnForm.Features && layer is not (DropoutLayerSection or DenseLayerSection)) return "[channels, height, width]";
        return layer switch
        {
            ConvLayerSection c when Channels % c.Groups != 0 || c.Channels % c.Groups != 0 => AtLeast($"{c.Groups}·n", 1),
            ConvLayerSection c => Fits(Extent(c) - 2 * c.PaddingOrSame),
            MaxPoolLayerSection p => Fits(p.Size),
            AveragePoolLayerSection p => Fits(p.Size),
            DenseLayerSection when Length > int.MaxValue / 2 => AtLeast("channels", 1),
            _ => null,
        };
    }

    private string? Fits(int least) => (Form == CnnForm.Series || Height >= least) && Width >= least ? null : AtLeast("channels", Math.Max(1, least));

    private string AtLeast(string channels, int size) => Form == CnnForm.Series ? $"[{channels}, ≥ {size}]" : $"[{channels}, ≥ {size}, ≥ {size}]";

    private CnnSizes Pooled(int size, int stride) => this with { Height = Form == CnnForm.Series ? 1 : Moved(Height, size, stride, 0), Width = Moved(Width, size, stride, 0) };

    private static int Extent(ConvLayerSection layer) => (layer.Kernel - 1) * layer.Dilation + 1;

    private static int Moved(int size, int extent, int stride, int padding) => (size + 2 * padding - extent) / stride + 1;
}

/// <summary>Which sizes a value within a convolutional network has.</summary>
internal enum CnnForm
{
    /// <summary>Channels, height and width.</summary>
    Image,

    /// <summary>Channels and steps.</summary>
    Series,

    /// <summary>Features without an order.</summary>
    Features,
}

/// <summary>A layer that does not fit what arrives at it.</summary>
/// <param name="Layer">Its place and kind.</param>
/// <param name="Arrived">The shape that arrived.</param>
/// <param name="Expected">The shape that was expected.</param>
internal sealed record CnnMisfit(string Layer, string Arrived, string Expected);
