using System.Text.Json.Serialization;
using Comity.Data.Audio;
using Comity.Data.Contracts;

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

    /// <summary>What rows will be, as far as the contract alone tells: what only records tell (the number of features) is 1.</summary>
    public static InputForm Planned(ContractSection contract)
    {
        ArgumentNullException.ThrowIfNull(contract);
        if (contract.Series is { } series) return new SeriesForm(series.Entering, 1);
        if (contract.Features is [{ Tokens: { } tokens }]) return new TokenForm(tokens + 1, Texts.CharacterVocabulary.First + 1);
        return contract.Features is [{ IsContent: true } only] ? Of(only) : new FeatureForm(1);
    }

    /// <summary>What a single image or sound is.</summary>
    internal static InputForm Of(FeatureSection content)
    {
        if (content.Kind == FeatureKind.Image) return new ImageForm(content.Channels, content.Height!.Value, content.Width!.Value);
        var (bands, frames) = Spectrum.Size(content.SpectrumOrDefault, content.Rate!.Value, content.SampleCount);
        return content.SpectrumOrDefault.Form == SpectrumForm.Waveform ? new SeriesForm(frames, 1) : new ImageForm(1, bands, frames);
    }
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

/// <summary>Numbers of tokens, of which 0 fills the row after its text.</summary>
/// <param name="Tokens">Tokens in a row.</param>
/// <param name="Vocabulary">Different tokens.</param>
public sealed record TokenForm(int Tokens, int Vocabulary) : InputForm
{
    /// <inheritdoc/>
    public override int Width => Tokens;
}
