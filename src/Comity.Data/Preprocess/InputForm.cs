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
        if (contract.Features is [{ Tokens: { } tokens } text])
            return contract.Label.IsTags ? new TaggedForm(tokens + 1, PlannedVocabulary(text), contract.Label.Classes) : new TokenForm(tokens + 1, PlannedVocabulary(text));
        if (contract.Features is [{ IsContent: true } only]) return Of(only);
        return contract.Features.Any(f => f.IsContent || f.Tokens is not null) ? CombinedForm.Planned(contract) : new FeatureForm(1);
    }

    /// <summary>Different tokens as far as the contract tells: of characters only that there is one.</summary>
    internal static int PlannedVocabulary(FeatureSection text) => Texts.CharacterVocabulary.First + (text.Tokenizer == Tokenizer.Words ? text.Buckets : 1);

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

/// <summary>Several parts of different kinds, each for an encoder of its own: images, recordings and texts by their columns' names, all else as <c>features</c>.</summary>
/// <param name="Parts">The parts; their slices fill a row without gaps.</param>
public sealed record CombinedForm(IReadOnlyList<FormPart> Parts) : InputForm
{
    /// <summary>The name of the part that holds numbers, categories and dates.</summary>
    public const string Features = "features";

    /// <inheritdoc/>
    public override int Width => Parts.Sum(p => p.Form.Width);

    internal static new CombinedForm Planned(ContractSection contract)
    {
        var at = 0;
        return Of([.. contract.Features.Select(f =>
        {
            var form = f.Tokens is { } tokens ? new TokenForm(tokens + 1, PlannedVocabulary(f)) : f.IsContent ? InputForm.Of(f) : null;
            var column = (f.Column, form, at, Count: form?.Width ?? 1);
            at += column.Count;
            return column;
        })]);
    }

    /// <summary>The parts of columns in the order in which they stand in a row; a form that is null: numbers.</summary>
    internal static CombinedForm Of(IReadOnlyList<(string Column, InputForm? Form, int First, int Count)> columns)
    {
        var parts = columns.Where(c => c.Form is not null).Select(c => new FormPart(c.Column, c.Form!, [(c.First, c.Count)])).ToList();
        var slices = new List<(int First, int Count)>();
        foreach (var (_, _, first, count) in columns.Where(c => c.Form is null && c.Count > 0))
        {
            if (slices.Count > 0 && slices[^1].First + slices[^1].Count == first) slices[^1] = (slices[^1].First, slices[^1].Count + count);
            else slices.Add((first, count));
        }
        if (slices.Count > 0) parts.Add(new FormPart(Features, new FeatureForm(slices.Sum(s => s.Count)), slices));
        return new CombinedForm(parts);
    }
}

/// <summary>A part of a row.</summary>
/// <param name="Name">Its column, or <c>features</c>.</param>
/// <param name="Form">What it is.</param>
/// <param name="Slices">Where its floats stand in the row, in order.</param>
public sealed record FormPart(string Name, InputForm Form, IReadOnlyList<(int First, int Count)> Slices);

/// <summary>Numbers of tokens, of which 0 fills the row after its text.</summary>
/// <param name="Tokens">Tokens in a row.</param>
/// <param name="Vocabulary">Different tokens.</param>
public sealed record TokenForm(int Tokens, int Vocabulary) : InputForm
{
    /// <inheritdoc/>
    public override int Width => Tokens;
}

/// <summary>Numbers of tokens, then a tag for each: 0 is none, k + 1 the k-th. Shape [2, tokens].</summary>
/// <param name="Tokens">Tokens in a row.</param>
/// <param name="Vocabulary">Different tokens.</param>
/// <param name="Tags">The tags in the order of their numbers.</param>
public sealed record TaggedForm(int Tokens, int Vocabulary, IReadOnlyList<string> Tags) : InputForm
{
    /// <inheritdoc/>
    public override int Width => 2 * Tokens;
}
