namespace Comity.Learning;

/// <summary>What the values of a row are. A <see cref="Dataset"/> holds every row as one run of floats; this says how a model reads them.</summary>
public abstract record InputShape
{
    private protected InputShape()
    {
    }

    /// <summary>Floats in a row.</summary>
    public abstract int Length { get; }

    /// <summary>Unordered features, as of a table.</summary>
    /// <param name="features">How many, at least 1.</param>
    public static implicit operator InputShape(int features) => new FeatureInput(features);
}

/// <summary>Features without an order, as of a table.</summary>
/// <param name="Features">How many.</param>
public sealed record FeatureInput(int Features) : InputShape
{
    /// <inheritdoc/>
    public override int Length => Features;
}

/// <summary>An image, or a spectrogram with one channel: [channels, height, width], row-major.</summary>
/// <param name="Channels">1 for grey, 3 for colour.</param>
/// <param name="Height">Rows of pixels; of a spectrogram its frequency bands.</param>
/// <param name="Width">Columns of pixels; of a spectrogram its frames.</param>
public sealed record ImageInput(int Channels, int Height, int Width) : InputShape
{
    /// <inheritdoc/>
    public override int Length => Channels * Height * Width;
}

/// <summary>A series of measurements: [steps, channels], row-major, the oldest step first.</summary>
/// <param name="Steps">Steps in time.</param>
/// <param name="Channels">Values at each step.</param>
public sealed record SeriesInput(int Steps, int Channels) : InputShape
{
    /// <inheritdoc/>
    public override int Length => Steps * Channels;
}

/// <summary>Parts of different kinds, each read by an encoder of its own.</summary>
/// <param name="Modalities">The parts; their slices fill a row.</param>
public sealed record MultimodalInput(IReadOnlyList<Modality> Modalities) : InputShape
{
    /// <inheritdoc/>
    public override int Length => Modalities.Sum(m => m.Input.Length);

    /// <summary>Whether the parts are the same.</summary>
    public bool Equals(MultimodalInput? other) => other is not null && Modalities.SequenceEqual(other.Modalities);

    /// <inheritdoc/>
    public override int GetHashCode() => Modalities.Aggregate(0, HashCode.Combine);
}

/// <summary>A part of a row.</summary>
/// <param name="Name">What the study calls it.</param>
/// <param name="Input">What it holds.</param>
/// <param name="Slices">Where its floats stand in the row, in order.</param>
public sealed record Modality(string Name, InputShape Input, IReadOnlyList<InputSlice> Slices)
{
    /// <summary>Whether name, input and place are the same.</summary>
    public bool Equals(Modality? other) => other is not null && Name == other.Name && Input == other.Input && Slices.SequenceEqual(other.Slices);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Input, Slices.Count);
}

/// <summary>Some floats of a row.</summary>
/// <param name="First">The first, from 0.</param>
/// <param name="Count">How many.</param>
public readonly record struct InputSlice(int First, int Count);

/// <summary>Text as token numbers, stored as floats: [length]. The number 0 is padding, and stands only at the end.</summary>
/// <param name="Tokens">Tokens in a row, padding included.</param>
/// <param name="Vocabulary">How many different tokens there are, padding included; at most 2²⁴, which floats count exactly.</param>
public sealed record TokenInput(int Tokens, int Vocabulary) : InputShape
{
    /// <summary>What fills a row after its text.</summary>
    public const int Padding = 0;

    /// <summary>What stands for a token that the vocabulary does not hold.</summary>
    public const int Unknown = 1;

    /// <summary>What begins a text, and separates the segments of one.</summary>
    public const int Separator = 2;

    /// <summary>What hides a token that is to be predicted.</summary>
    public const int Mask = 3;

    /// <summary>The first number that is a token of the text itself.</summary>
    public const int First = 4;

    /// <inheritdoc/>
    public override int Length => Tokens;
}

/// <summary>A text as token numbers, then a tag for each: [2, length]. Of the tags 0 is none (padding, the separator), k + 1 the k-th.</summary>
/// <param name="Text">The tokens.</param>
/// <param name="Tags">The tags by name, such as O, B-PER, I-PER.</param>
public sealed record TaggedInput(TokenInput Text, IReadOnlyList<string> Tags) : InputShape
{
    /// <inheritdoc/>
    public override int Length => 2 * Text.Tokens;

    /// <summary>Whether tokens and tags are the same.</summary>
    public bool Equals(TaggedInput? other) => other is not null && Text == other.Text && Tags.SequenceEqual(other.Tags, StringComparer.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => Tags.Aggregate(Text.GetHashCode(), (hash, tag) => HashCode.Combine(hash, StringComparer.Ordinal.GetHashCode(tag)));
}
