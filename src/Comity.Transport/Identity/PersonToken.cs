using System.Security.Cryptography;
using System.Text;

namespace Comity.Transport.Identity;

/// <summary>A person's token as the operator hands it over: what is sent to the coordinator, and the key that the coordinator must prove before anything is.</summary>
/// <remarks>
/// <c>comity_ID_SECRET.PIN</c>. PIN holds, in base 32: flags (1 byte), authority (33), checksum (the first 4 of the SHA-256 of all before it). It never leaves the
/// person's machine; so an address is enough to name a coordinator whose certificates no system knows.
/// </remarks>
/// <param name="Bearer">What is sent. Never printed.</param>
/// <param name="Authority">The key that signs the coordinator's certificates; null: a token without a pin.</param>
/// <param name="ThroughProxy">Whether TLS ends at a proxy of the coordinator's.</param>
public sealed record PersonToken(string Bearer, AuthorityKey? Authority, bool ThroughProxy)
{
    private const int ChecksumBytes = 4;

    /// <summary>Reads a token; null where it was cut off or mistyped.</summary>
    public static PersonToken? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0) return new(text, null, false);
        var bearer = text[..dot];
        if (text.Length > 1000 || Crockford.Decode(text.AsSpan(dot + 1)) is not { Length: 1 + AuthorityKey.Length + ChecksumBytes } pin || pin[0] > 1) return null;
        if (!Checksum(bearer, pin.AsSpan(..^ChecksumBytes)).SequenceEqual(pin[^ChecksumBytes..])) return null;
        return AuthorityKey.FromPoint(pin.AsSpan(1, AuthorityKey.Length)) is { } authority ? new(bearer, authority, pin[0] == 1) : null;
    }

    /// <summary>The token as it is handed over.</summary>
    public string Write()
    {
        if (Authority is null) return Bearer;
        byte[] said = [ThroughProxy ? (byte)1 : (byte)0, .. Authority.Point];
        return $"{Bearer}.{Crockford.Encode([.. said, .. Checksum(Bearer, said)])}";
    }

    /// <summary>No secret.</summary>
    public override string ToString() => "[redacted]";

    private static byte[] Checksum(string bearer, ReadOnlySpan<byte> said) => SHA256.HashData([.. Encoding.UTF8.GetBytes(bearer), .. said])[..ChecksumBytes];
}
