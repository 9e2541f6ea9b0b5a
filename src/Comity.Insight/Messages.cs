using Comity.Declarations;

namespace Comity.Insight;

internal static class Messages
{
    private static readonly MessageCatalog Catalog = new(typeof(Messages), "Comity.Insight.Resources.Messages");

    public static Problem Problem(string code, Place place, params object?[] arguments) => new(Catalog, code, place, arguments);
}
