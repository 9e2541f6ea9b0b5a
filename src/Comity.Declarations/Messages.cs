namespace Comity.Declarations;

internal static class Messages
{
    private static readonly MessageCatalog Catalog = new(typeof(Messages), "Comity.Declarations.Resources.Messages");

    public static Problem Problem(string code, Place place, params object?[] arguments) => new(Catalog, code, place, arguments);

    public static LocalText Word(string key, params object?[] arguments) => new(Catalog, "word." + key, arguments);
}
