using Comity.Declarations;

namespace Comity.Cli;

/// <summary>The tool's own texts, English and Simplified Chinese.</summary>
internal static class Texts
{
    public static MessageCatalog Catalog { get; } = new(typeof(Texts), "Comity.Cli.Resources.Messages");

    public static Problem Problem(string code, Place place, params object?[] arguments) => new(Catalog, code, place, arguments);
}
