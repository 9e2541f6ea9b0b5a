using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Tables;

namespace Comity.Data.Images;

/// <summary>Decodes PNG files, or takes bare grey pixels of one size, into images of the contract's form.</summary>
internal sealed class ImageReader(FeatureSection feature, CleanSection clean, CellProblems problems) : ContentReader(feature, clean, problems)
{
    private readonly FeatureSection _feature = feature;
    private readonly int _length = feature.Channels * feature.Height!.Value * feature.Width!.Value;
    private readonly MemoryStream _samples = new();

    /// <summary>Height and width of the bare pixels that follow; null: PNG files follow.</summary>
    public (int Height, int Width)? BarePixels { get; set; }

    public override TableColumn Build() =>
        new ImageColumn(Name, _feature.Channels, _feature.Height!.Value, _feature.Width!.Value, _samples.ToArray(), Missing);

    protected override void Take(ReadOnlySpan<byte> file)
    {
        var picture = BarePixels is { } size ? new Picture(size.Height, size.Width, 1, file.ToArray()) : PngDecoder.Decode(file);
        var (height, width) = (_feature.Height!.Value, _feature.Width!.Value);
        if ((picture.Height, picture.Width) != (height, width) && _feature.Fit != ImageFit.Scale)
            throw new ContentException("image-size", BarePixels is null ? 16 : 8, FormattableString.Invariant($"{picture.Height}×{picture.Width} ≠ {height}×{width}"));
        Span<byte> planes = _length <= 4096 ? stackalloc byte[_length] : new byte[_length];
        picture.WithChannels(_feature.Channels).Scaled(height, width).WritePlanes(planes);
        _samples.Write(planes);
    }

    protected override void TakeNothing() => _samples.Write(new byte[_length]);
}
