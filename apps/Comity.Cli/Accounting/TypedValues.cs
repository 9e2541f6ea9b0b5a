using System.Globalization;
using Comity.Declarations;

namespace Comity.Cli.Accounting;

/// <summary>Reads option values from text and collects what is wrong with any of them.</summary>
/// <remarks>A problem's code is <c>bad-</c> and the option's name, so each has texts of its own.</remarks>
internal sealed class TypedValues
{
    public ProblemList Problems { get; } = new();

    /// <summary>A number that <paramref name="fits"/>, or NaN with a problem.</summary>
    public double Number(string option, string? typed, Func<double, bool> fits)
    {
        if (double.TryParse(typed, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && fits(value)) return value;
        Refuse(option, typed);
        return double.NaN;
    }

    /// <summary>A whole number from 1 to <paramref name="maximum"/>, or 0 with a problem.</summary>
    public long Count(string option, string? typed, long maximum)
    {
        if (long.TryParse(typed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= 1 && value <= maximum) return value;
        Refuse(option, typed);
        return 0;
    }

    /// <summary>One of the words, or the first with a problem.</summary>
    public string Choice(string option, string? typed, IReadOnlyList<string> words)
    {
        if (typed is not null && words.Contains(typed, StringComparer.Ordinal)) return typed;
        Refuse(option, typed);
        return words[0];
    }

    private void Refuse(string option, string? typed) =>
        Problems.Add(Texts.Problem("bad-" + option.TrimStart('-'), Place.InFile(option), typed ?? (object)new LocalText(Texts.Catalog, "privacy.nothing")));
}
