using Comity.Data.Audio;
using Comity.Declarations;

namespace Comity.Data.Contracts;

/// <summary>One column that a model may learn from: <c>contract.features[]</c>.</summary>
[Doc("A column that a model may learn from.")]
public sealed record FeatureSection : ICheckedDeclaration
{
    /// <summary>Name of the column in every site's source.</summary>
    [Doc("Name of the column in every site's source.")]
    public required string Column { get; init; }

    /// <summary>What it holds.</summary>
    [Doc("What it holds: number, category, ordinal, boolean, text, date, image or audio.")]
    public FeatureKind Kind { get; init; }

    /// <summary>Bounds of a number.</summary>
    [Doc("Bounds of a number, both included, such as [18, 120].")]
    public ValueRange? Range { get; init; }

    /// <summary>Unit, for people.</summary>
    [Doc("Unit of a number, for people, such as mm Hg.")]
    public string? Unit { get; init; }

    /// <summary>Values of a category, of an ordinal in order, or of a boolean (false, true).</summary>
    [Doc("Values of a category; of an ordinal in their order; of a boolean: false, true. A category without values takes the union of all sites.")]
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>Texts that mean 'not known', besides the contract's own and an empty cell.</summary>
    [Doc("Texts that mean 'not known' in this column, such as [0, \"?\"]; an empty cell always does.")]
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>Form of a date (.NET custom format), where it is not ISO 8601.</summary>
    [Doc("Form of a date where it is not ISO 8601, such as dd/MM/yyyy.")]
    public string? Format { get; init; }

    /// <summary>What of a date enters the model.</summary>
    [Doc("What of a date enters the model; default month and weekday.")]
    public IReadOnlyList<DatePart> Parts { get; init; } = [];

    /// <summary>Rows of an image's pixels.</summary>
    [Doc("Rows of an image's pixels."), Within(1, 8192)]
    public int? Height { get; init; }

    /// <summary>Columns of an image's pixels.</summary>
    [Doc("Columns of an image's pixels."), Within(1, 8192)]
    public int? Width { get; init; }

    /// <summary>1: grey, 3: colour; images with others are brought to it.</summary>
    [Doc("Channels of an image: 1 (grey, the default) or 3 (colour). Images with others are brought to it; what is transparent is laid on white."), Within(1, 3)]
    public int Channels { get; init; } = 1;

    /// <summary>What happens to an image of another size.</summary>
    [Doc("What happens to an image of another size: error (default) or scale.")]
    public ImageFit Fit { get; init; }

    /// <summary>Samples a second to which recordings are brought.</summary>
    [Doc("Samples a second to which recordings are brought; their channels are averaged."), Within(100, 1_000_000)]
    public int? Rate { get; init; }

    /// <summary>Seconds to which recordings are cut off, or filled up with silence.</summary>
    [Doc("Seconds to which recordings are cut off, or filled up with silence."), Within(0, 3600, AboveLow = true)]
    public double? Seconds { get; init; }

    /// <summary>What a model hears of a recording; null: 40 logarithmic mel bands.</summary>
    [Doc("What a model hears of a recording; by default 40 logarithmic mel bands over frames of 25 ms every 10 ms.")]
    public SpectrumSection? Spectrum { get; init; }

    /// <summary>Characters of a text that a model sees; a longer one is cut off.</summary>
    [Doc("Characters, or words, of a text that a model sees; a longer text is cut off, a shorter one filled up. A text source is cut into pieces of so many."), Within(1, 1_000_000)]
    public int? Tokens { get; init; }

    /// <summary>What a text's tokens are.</summary>
    [Doc("What a text's tokens are: characters (default), or words, which stand between blanks. Of characters the sites agree on a vocabulary; a word's number is a hash, so that no word leaves a site.")]
    public Tokenizer Tokenizer { get; init; }

    /// <summary>Numbers that words are hashed into.</summary>
    [Doc("Numbers that words are hashed into; default 8192. Words that share one are the same to a model."), Within(16, 1_000_000)]
    public int Buckets { get; init; } = 8192;

    /// <summary>How often a character must occur in a site's training rows to enter the vocabulary that all sites share.</summary>
    [Doc("How often a character must occur in a site's training rows to enter the vocabulary that all sites share; default 2. What is rarer is read as unknown, and costs its name among all of Unicode."), Within(1, 1_000_000)]
    public int MinimumCount { get; init; } = 2;

    /// <summary>Samples of a recording at the contract's rate.</summary>
    internal int SampleCount => (int)Math.Round(Rate!.Value * Seconds!.Value);

    internal SpectrumSection SpectrumOrDefault => Spectrum ?? new SpectrumSection();

    /// <summary>Whether a cell is a file rather than a value.</summary>
    internal bool IsContent => Kind is FeatureKind.Image or FeatureKind.Audio;

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if (Range is not null && Kind != FeatureKind.Number) problems.Add(Misplaced(at, "range", FeatureKind.Number));
        if (Unit is not null && Kind != FeatureKind.Number) problems.Add(Misplaced(at, "unit", FeatureKind.Number));
        if (Format is not null && Kind != FeatureKind.Date) problems.Add(Misplaced(at, "format", FeatureKind.Date));
        if (Parts.Count > 0 && Kind != FeatureKind.Date) problems.Add(Misplaced(at, "parts", FeatureKind.Date));
        if (Values.Count > 0 && Kind is FeatureKind.Number or FeatureKind.Date or FeatureKind.Text or FeatureKind.Image or FeatureKind.Audio) problems.Add(Misplaced(at, "values", FeatureKind.Category));
        foreach (var key in new[] { "height", "width", "channels", "fit" })
            if (at[key] is not null && Kind != FeatureKind.Image) problems.Add(Misplaced(at, key, FeatureKind.Image));
        foreach (var key in new[] { "rate", "seconds", "spectrum" })
            if (at[key] is not null && Kind != FeatureKind.Audio) problems.Add(Misplaced(at, key, FeatureKind.Audio));
        foreach (var key in new[] { "tokens", "minimumCount", "tokenizer", "buckets" })
            if (at[key] is not null && Kind != FeatureKind.Text) problems.Add(Misplaced(at, key, FeatureKind.Text));
        if (Tokenizer == Tokenizer.Words && at["minimumCount"] is { } rare) problems.Add(Messages.Problem("key-of-other-kind", rare.Place, "minimumCount", "words", "characters"));
        if (Tokenizer == Tokenizer.Characters && at["buckets"] is { } hashed) problems.Add(Messages.Problem("key-of-other-kind", hashed.Place, "buckets", "characters", "words"));
        if (IsContent && at["missing"] is { } markers) problems.Add(Misplaced(at, "missing", FeatureKind.Category));
        if (Kind == FeatureKind.Image && (Height is null || Width is null)) problems.Add(Messages.Problem("image-without-size", at.Place, Column));
        if (Channels == 2) problems.Add(Messages.Problem("image-channels", at["channels"]!.Place, Channels));
        if (Kind == FeatureKind.Audio) CheckSound(at, problems);
        if (Kind == FeatureKind.Ordinal && Values.Count < 2)
            problems.Add(Messages.Problem("ordinal-without-values", at.Place, Column, Values.Count));
        if (Kind == FeatureKind.Category && Values.Count == 1)
            problems.Add(Messages.Problem("category-one-value", at["values"]!.Place, Column));
        if (Kind == FeatureKind.Boolean && Values.Count is not (0 or 2))
            problems.Add(Messages.Problem("boolean-values", at["values"]!.Place, Column, Values.Count));
        foreach (var twice in Values.GroupBy(Level.Canonical).Where(g => g.Count() > 1))
            problems.Add(Messages.Problem("value-twice", at["values"]!.Place, twice.Key, Column));
        foreach (var both in Values.Select(Level.Canonical).Intersect(Missing.Select(Level.Canonical)))
            problems.Add(Messages.Problem("value-missing-too", at["missing"]!.Place, both, Column));
    }

    private void CheckSound(DeclaredNode.Map at, ProblemList problems)
    {
        if (Rate is null || Seconds is null) problems.Add(Messages.Problem("sound-without-length", at.Place, Column));
        else if (Rate * Seconds > 1e8 || Audio.Spectrum.Size(SpectrumOrDefault, Rate.Value, SampleCount).Frames < 1)
            problems.Add(Messages.Problem("sound-too-short", at["seconds"]!.Place, Seconds, SpectrumOrDefault.Frame));
    }

    private Problem Misplaced(DeclaredNode.Map at, string key, FeatureKind wanted) =>
        Messages.Problem("key-of-other-kind", at[key]!.Place, key, Kind.ToString().ToLowerInvariant(), wanted.ToString().ToLowerInvariant());
}
