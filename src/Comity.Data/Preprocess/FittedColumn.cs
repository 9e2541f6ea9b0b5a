using Comity.Data.Contracts;

namespace Comity.Data.Preprocess;

/// <summary>How one column becomes inputs of the model, with all its numbers.</summary>
public sealed record FittedColumn
{
    /// <summary>The column.</summary>
    public required string Column { get; init; }

    /// <summary>What it holds.</summary>
    public required FeatureKind Kind { get; init; }

    /// <summary>Whether selection kept it; a dropped column has no inputs.</summary>
    public bool Selected { get; init; } = true;

    /// <summary>Its score where columns were selected.</summary>
    public double? Score { get; init; }

    /// <summary>What stands for a missing value: the number itself, or the position in <see cref="Levels"/>.</summary>
    public double Fill { get; init; }

    /// <summary>Whether a missing value makes the row unusable (<c>drop-row</c>).</summary>
    public bool MissingUnusable { get; init; }

    /// <summary>Whether a 0/1 input says that the value was missing.</summary>
    public bool Indicator { get; init; }

    /// <summary>Lower winsorising bound; null: none.</summary>
    public double? Low { get; init; }

    /// <summary>Upper winsorising bound; null: none.</summary>
    public double? High { get; init; }

    /// <summary>Subtracted before scaling.</summary>
    public double Center { get; init; }

    /// <summary>Divided by; never 0.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>Values of a category, ordinal or boolean, and characters of a text, in the order of their codes.</summary>
    public IReadOnlyList<string> Levels { get; init; } = [];

    /// <summary>Whether the first value of a category has no input of its own.</summary>
    public bool DropFirst { get; init; }

    /// <summary>What of a date enters.</summary>
    public IReadOnlyList<DatePart> Parts { get; init; } = [];

    /// <summary>What is subtracted from each block of an image (its channels) or a spectrum (its bands), shape [blocks]; empty for other columns.</summary>
    public IReadOnlyList<double> Centers { get; init; } = [];

    /// <summary>What each block is divided by; never 0.</summary>
    public IReadOnlyList<double> Scales { get; init; } = [];

    /// <summary>Values of a block, of a text its tokens; 0 for columns that are neither.</summary>
    public int BlockLength { get; init; }

    /// <summary>Numbers that a text's words are hashed into; 0: its tokens are characters.</summary>
    public int Buckets { get; init; }

    /// <summary>Tags of a text's words, which stand behind them in a row; empty: none.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Different tokens of a text.</summary>
    internal int Vocabulary => Texts.CharacterVocabulary.First + (Buckets > 0 ? Buckets : Levels.Count);

    /// <summary>Number of its inputs.</summary>
    internal int InputCount => !Selected ? 0 : Kind == FeatureKind.Text ? (Tags.Count > 0 ? 2 : 1) * BlockLength : BlockLength > 0 ? Centers.Count * BlockLength : InputNames().Count();

    /// <summary>Names of its inputs.</summary>
    internal IEnumerable<string> InputNames()
    {
        if (!Selected) yield break;
        switch (Kind)
        {
            case FeatureKind.Category:
                foreach (var level in Levels.Skip(DropFirst ? 1 : 0)) yield return $"{Column}={level}";
                break;
            case FeatureKind.Image or FeatureKind.Audio or FeatureKind.Text:
                for (var i = 0; i < InputCount; i++) yield return $"{Column}[{i.ToString(System.Globalization.CultureInfo.InvariantCulture)}]";
                break;
            case FeatureKind.Date:
                foreach (var part in Parts)
                {
                    var name = System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(part.ToString());
                    if (part == DatePart.Year) yield return $"{Column}:{name}";
                    else foreach (var wave in new[] { "sin", "cos" }) yield return $"{Column}:{name}-{wave}";
                }
                break;
            default:
                yield return Column;
                break;
        }
        if (Indicator) yield return $"{Column}=missing";
    }
}
