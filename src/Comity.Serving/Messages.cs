using Comity.Declarations;

namespace Comity.Serving;

internal static class Messages
{
    public static MessageCatalog Catalog { get; } = new(typeof(Messages), "Comity.Serving.Resources.Messages");

    public static Problem Problem(string code, Place place, params object?[] arguments) => new(Catalog, code, place, arguments);

    public static InvalidDeclarationException Refused(string code, string file, params object?[] arguments) =>
        new([Problem(code, Place.InFile(file), arguments)]);
}
