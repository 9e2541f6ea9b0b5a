using Comity.Declarations;

namespace Comity.Transport;

internal static class Messages
{
    public static readonly MessageCatalog Catalog = new(typeof(Messages), "Comity.Transport.Resources.Messages");
}
