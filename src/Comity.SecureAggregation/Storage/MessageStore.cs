using Comity.SecureAggregation.Protocol;

namespace Comity.SecureAggregation.Storage;

/// <summary>A site's message as bytes, for keeping what was sent: a resend must send the same.</summary>
internal static class MessageStore
{
    public static void Write(StateWriter to, SiteMessage? message)
    {
        to.Number(message switch { null => 0, KeyAdvert => 1, SealedShares => 2, SurvivorSignature => 3, RevealedShares => 4, _ => throw new ArgumentException("Vectors are kept by themselves.", nameof(message)) });
        if (message is null) return;
        to.Number(message.Site);
        switch (message)
        {
            case KeyAdvert m: Advert(to, m); break;
            case SealedShares m: Shares(to, m); break;
            case SurvivorSignature m: to.Bytes(m.Signature); break;
            case RevealedShares m: Reveal(to, m); break;
        }
    }

    public static SiteMessage? Read(StateReader from)
    {
        var kind = from.Number();
        if (kind == 0) return null;
        var site = from.Number();
        return kind switch
        {
            1 => Advert(from, site),
            2 => Shares(from, site),
            3 => new SurvivorSignature(site, from.Bytes()),
            4 => Reveal(from, site),
            _ => throw StateReader.Broken(),
        };
    }

    public static void Advert(StateWriter to, KeyAdvert advert)
    {
        to.Bytes(advert.EnvelopeKey);
        to.Bytes(advert.MaskKey);
        to.Bytes(advert.Signature);
    }

    public static KeyAdvert Advert(StateReader from, int site) => new(site, from.Bytes(), from.Bytes(), from.Bytes());

    public static void Shares(StateWriter to, SealedShares shares)
    {
        to.Map(shares.Envelopes, bytes => to.Bytes(bytes));
        to.Map(shares.SelfMaskHashes, bytes => to.Bytes(bytes));
        to.Map(shares.MaskKeyHashes, bytes => to.Bytes(bytes));
    }

    public static SealedShares Shares(StateReader from, int site) => new(site, from.Map(_ => from.Bytes()), from.Map(_ => from.Bytes()), from.Map(_ => from.Bytes()));

    public static void Reveal(StateWriter to, RevealedShares reveal)
    {
        to.Map(reveal.SelfMaskShares, bytes => to.Bytes(bytes));
        to.Map(reveal.MaskKeyShares, bytes => to.Bytes(bytes));
    }

    public static RevealedShares Reveal(StateReader from, int site) => new(site, from.Map(_ => from.Bytes()), from.Map(_ => from.Bytes()));
}
