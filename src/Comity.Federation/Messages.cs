using Comity.Declarations;

namespace Comity.Federation;

/// <summary>This room's texts for people.</summary>
internal static class Messages
{
    private static readonly MessageCatalog Catalog = new(typeof(Messages), "Comity.Federation.Resources.Messages");

    public static Problem Problem(string code, Place place, params object?[] arguments) => new(Catalog, code, place, arguments);

    /// <summary>A problem that does not stop anybody.</summary>
    public static Problem Warning(string code, Place place, params object?[] arguments) => new(Catalog, code, place, arguments) { Severity = Severity.Warning };
}
