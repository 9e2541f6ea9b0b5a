using Comity.Declarations;

namespace Comity.Data;

internal static class Messages
{
    private static readonly MessageCatalog Catalog = new(typeof(Messages), "Comity.Data.Resources.Messages");

    public static Problem Problem(string code, Place place, params object?[] arguments) => new(Catalog, code, place, arguments);

    public static Problem Warning(string code, Place place, params object?[] arguments) =>
        new(Catalog, code, place, arguments) { Severity = Severity.Warning };
}
