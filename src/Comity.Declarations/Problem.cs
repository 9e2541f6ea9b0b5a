using System.Globalization;

namespace Comity.Declarations;

/// <summary>How much a <see cref="Problem"/> weighs.</summary>
public enum Severity
{
    /// <summary>Worth knowing; work goes on.</summary>
    Warning,

    /// <summary>Nothing is done until this is put right.</summary>
    Error,
}

/// <summary>One thing that is wrong: where, what was found, what was expected and what to do about it.</summary>
/// <remarks>
/// The texts are <c>{code}.found</c>, <c>{code}.expected</c> and <c>{code}.remedy</c> in the catalogue, so each exists in every
/// language; a problem itself is language-neutral until it is printed.
/// </remarks>
public sealed class Problem
{
    private readonly MessageCatalog _catalog;
    private readonly object?[] _arguments;

    /// <param name="catalog">The texts of the room that found the problem.</param>
    /// <param name="code">Kebab-case name, stable across versions, such as <c>unknown-key</c>.</param>
    /// <param name="place">Where it was found.</param>
    /// <param name="arguments">What the texts' placeholders <c>{0}</c>, <c>{1}</c>… stand for. Never a secret, never a record.</param>
    public Problem(MessageCatalog catalog, string code, Place place, params object?[] arguments)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrEmpty(code);
        (_catalog, Code, Place, _arguments) = (catalog, code, place, arguments);
    }

    /// <summary>Stable kebab-case name of this kind of problem.</summary>
    public string Code { get; }

    /// <summary>Where it was found.</summary>
    public Place Place { get; }

    /// <summary>Whether work can go on.</summary>
    public Severity Severity { get; init; } = Severity.Error;

    /// <summary>What was found.</summary>
    public string Found(CultureInfo culture) => _catalog.Text(Code + ".found", culture, _arguments);

    /// <summary>What was expected instead.</summary>
    public string Expected(CultureInfo culture) => _catalog.Text(Code + ".expected", culture, _arguments);

    /// <summary>What the user can do.</summary>
    public string Remedy(CultureInfo culture) => _catalog.Text(Code + ".remedy", culture, _arguments);

    /// <summary>The whole problem in English, for logs and test output.</summary>
    public override string ToString()
    {
        var english = CultureInfo.GetCultureInfo("en");
        return $"{Place}: {Found(english)} {Expected(english)} {Remedy(english)} [{Code}]";
    }
}
