using System.Text.Json.Serialization;

namespace Comity.Data.Preprocess;

/// <summary>What the values of an encoded row are, for whoever makes a model of it.</summary>
public abstract record InputForm
{
    private protected InputForm()
    {
    }

    /// <summary>Floats in a row.</summary>
    [JsonIgnore]
    public abstract int Width { get; }
}

/// <summary>Features without an order.</summary>
/// <param name="Features">How many.</param>
public sealed record FeatureForm(int Features) : InputForm
{
    /// <inheritdoc/>
    public override int Width => Features;
}

/// <summary>An image, or a spectrogram with one channel: [channels, height, width], row-major.</summary>
/// <param name="Channels">1 for grey, 3 for colour.</param>
/// <param name="Height">Rows of pixels; bands of a spectrogram, the lowest first.</param>
/// <param name="Columns">Columns of pixels; frames of a spectrogram.</param>
public sealed record ImageForm(int Channels, int Height, int Columns) : InputForm
{
    /// <inheritdoc/>
    public override int Width => Channels * Height * Columns;
}

/// <summary>Steps in time, the oldest first: [steps, channels], row-major.</summary>
/// <param name="Steps">Steps in time.</param>
/// <param name="Channels">Values at each step.</param>
public sealed record SeriesForm(int Steps, int Channels) : InputForm
{
    /// <inheritdoc/>
    public override int Width => Steps * Channels;
}
