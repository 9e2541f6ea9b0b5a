using Comity.Declarations;

namespace Comity.Workers;

/// <summary>This room's texts for people.</summary>
internal static class Messages
{
    private static readonly MessageCatalog Catalog = new(typeof(Messages), "Comity.Workers.Resources.Messages");

    public static Problem Problem(string code, string place, params object?[] arguments) => new(Catalog, code, new Place(place, 0, 0, ""), arguments);
}
