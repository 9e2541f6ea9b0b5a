using System.Globalization;
using Comity.Cli.Terminal;

namespace Comity.Cli;

/// <summary>What a command may use of the world around it, so that nothing is ambient.</summary>
internal sealed record Session
{
    /// <summary>Language of the texts.</summary>
    public required CultureInfo Language { get; init; }

    /// <summary>Standard output: what was asked for.</summary>
    public required Output Out { get; init; }

    /// <summary>Standard error: problems.</summary>
    public required Output Error { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Environment variables by name.</summary>
    public required Func<string, string?> Environment { get; init; }

    /// <summary>A text in the session's language.</summary>
    public string Text(string key, params object?[] arguments) => Texts.Catalog.Text(key, Language, arguments);
}
