using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Comity.Declarations;

namespace Comity.Transport.Signing;

/// <summary>What became of a signed message.</summary>
public enum MessageVerdict
{
    /// <summary>It is the site's, it is new, and the body is the one that was signed.</summary>
    Accepted,

    /// <summary>No site of that name is known.</summary>
    UnknownSite,

    /// <summary>The signature does not fit the site's key.</summary>
    WrongSignature,

    /// <summary>The body is not the one that was signed.</summary>
    WrongBody,

    /// <summary>A message with this number or a later one has been accepted already.</summary>
    Replayed,

    /// <summary>It was sent too long ago, or in the future: the site's clock or the message is stale.</summary>
    Stale,
}

/// <summary>The last message number accepted from each site. A value: store it with what the message caused, in one transaction.</summary>
/// <param name="LastSequence">By site.</param>
public sealed record AcceptedMessages(ImmutableDictionary<string, long> LastSequence)
{
    /// <summary>Nothing accepted yet.</summary>
    public static AcceptedMessages None { get; } = new(ImmutableDictionary.Create<string, long>(StringComparer.Ordinal));
}

/// <summary>Lets a site's message in when it is the site's own, fresh and whole. A pure step: what was accepted so far goes in, what is accepted from here on comes out.</summary>
public sealed class MessageGate
{
    private readonly IReadOnlyDictionary<string, byte[]> _keys;
    private readonly TimeSpan _allowedSkew;

    /// <param name="keys">Public keys by site, as SubjectPublicKeyInfo.</param>
    /// <param name="allowedSkew">How far a site's clock may be off, and how old a message may be.</param>
    public MessageGate(IReadOnlyDictionary<string, byte[]> keys, TimeSpan allowedSkew)
    {
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(allowedSkew, TimeSpan.Zero);
        (_keys, _allowedSkew) = (keys, allowedSkew);
    }

    /// <summary>Judges a message. A refused one leaves <paramref name="accepted"/> as it was.</summary>
    /// <param name="accepted">What was accepted before.</param>
    /// <param name="message">The message.</param>
    /// <param name="bodyDigest">SHA-256 of the body that arrived.</param>
    /// <param name="now">The receiver's clock.</param>
    public (MessageVerdict Verdict, AcceptedMessages Accepted) Judge(AcceptedMessages accepted, SignedMessage message, ReadOnlySpan<byte> bodyDigest, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(accepted);
        ArgumentNullException.ThrowIfNull(message);
        var header = message.Header;
        if (!_keys.TryGetValue(header.Site, out var key)) return (MessageVerdict.UnknownSite, accepted);

        // The signature comes first: nobody else may learn from the verdict what the site has sent.
        if (header.BodyDigest.Length != SHA256.HashSizeInBytes || !Verify(key, message)) return (MessageVerdict.WrongSignature, accepted);
        if (!CryptographicOperations.FixedTimeEquals(header.BodyDigest, bodyDigest)) return (MessageVerdict.WrongBody, accepted);
        if ((now - header.SentAt).Duration() > _allowedSkew) return (MessageVerdict.Stale, accepted);
        if (accepted.LastSequence.TryGetValue(header.Site, out var last) && header.Sequence <= last) return (MessageVerdict.Replayed, accepted);
        return (MessageVerdict.Accepted, new(accepted.LastSequence.SetItem(header.Site, header.Sequence)));
    }

    /// <summary>The verdict for people.</summary>
    public static string Describe(MessageVerdict verdict, string site, CultureInfo culture) => Messages.Catalog.Text("verdict." + verdict, culture, site);

    private static bool Verify(byte[] key, SignedMessage message)
    {
        using var verifier = ECDsa.Create();
        try
        {
            verifier.ImportSubjectPublicKeyInfo(key, out _);
            return verifier.VerifyData(message.Header.Canonical(), message.Signature, HashAlgorithmName.SHA256);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}

internal static class Messages
{
    public static readonly MessageCatalog Catalog = new(typeof(Messages), "Comity.Transport.Resources.Messages");
}
