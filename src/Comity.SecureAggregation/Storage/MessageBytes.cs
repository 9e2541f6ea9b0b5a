using Comity.SecureAggregation.Protocol;

namespace Comity.SecureAggregation.Storage;

/// <summary>Messages of a masked round as bytes, for the way between processes. Masked vectors travel as bodies of their own.</summary>
/// <remarks>The layout is that of <see cref="KeptState"/>'s fields, with SHA-256 behind it: what was cut or damaged on the way is no message.</remarks>
public static class MessageBytes
{
    /// <summary>A site's message.</summary>
    /// <exception cref="ArgumentException">It is a masked vector.</exception>
    public static byte[] Write(SiteMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        var to = new StateWriter();
        MessageStore.Write(to, message);
        return to.Finish();
    }

    /// <summary>A coordinator's message.</summary>
    public static byte[] Write(CoordinatorMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        var to = new StateWriter();
        switch (message)
        {
            case KeyList m:
                to.Number(1);
                to.Map(m.Adverts.ToDictionary(a => a.Site), advert => MessageStore.Advert(to, advert));
                break;
            case Delivery m:
                to.Number(2);
                to.Map(m.Envelopes, bytes => to.Bytes(bytes));
                break;
            case SurvivorList m:
                to.Number(3);
                to.Numbers(m.Survivors.ToArray());
                break;
            case SignedSurvivorList m:
                to.Number(4);
                to.Map(m.Signatures, bytes => to.Bytes(bytes));
                break;
            default:
                throw new ArgumentException("Not a message of this protocol.", nameof(message));
        }
        return to.Finish();
    }

    /// <summary>A site's message again.</summary>
    /// <exception cref="InvalidDataException">The bytes are none.</exception>
    public static SiteMessage ReadSite(ReadOnlyMemory<byte> bytes)
    {
        var from = new StateReader(bytes);
        var message = MessageStore.Read(from) ?? throw StateReader.Broken();
        from.End();
        return message;
    }

    /// <summary>A coordinator's message again.</summary>
    /// <exception cref="InvalidDataException">The bytes are none.</exception>
    public static CoordinatorMessage ReadCoordinator(ReadOnlyMemory<byte> bytes)
    {
        var from = new StateReader(bytes);
        CoordinatorMessage message = from.Number() switch
        {
            1 => new KeyList([.. from.Map(site => MessageStore.Advert(from, site)).Values]),
            2 => new Delivery(from.Map(_ => from.Bytes())),
            3 => new SurvivorList(from.Numbers()),
            4 => new SignedSurvivorList(from.Map(_ => from.Bytes())),
            _ => throw StateReader.Broken(),
        };
        from.End();
        return message;
    }
}
