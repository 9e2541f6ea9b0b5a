using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Comity.Transport.Signing;

/// <summary>What a site vouches for when it sends something, so that its origin survives a proxy that ends TLS.</summary>
/// <param name="Site">The sender.</param>
/// <param name="Study">The study it is about.</param>
/// <param name="Kind">What it is, such as <c>update</c>.</param>
/// <param name="Round">The round, or 0.</param>
/// <param name="Sequence">Grows by at least one with every message of the site.</param>
/// <param name="SentAt">When, by the site's clock, to the millisecond.</param>
/// <param name="BodyDigest">SHA-256 of the body (the whole digest of a chunked one), 32 bytes.</param>
public sealed record MessageHeader(string Site, string Study, string Kind, int Round, long Sequence, DateTimeOffset SentAt, byte[] BodyDigest)
{
    /// <summary>The one sequence of bytes for these values: every part with its length in front, so that no two messages read alike.</summary>
    public byte[] Canonical()
    {
        if (BodyDigest is not { Length: SHA256.HashSizeInBytes }) throw new InvalidOperationException("A body digest has 32 bytes.");
        using var bytes = new MemoryStream();
        foreach (var text in new[] { "comity/message/v1", Site, Study, Kind })
        {
            var encoded = Encoding.UTF8.GetBytes(text);
            Number(bytes, encoded.Length);
            bytes.Write(encoded);
        }
        Number(bytes, Round);
        Number(bytes, Sequence);
        Number(bytes, SentAt.ToUnixTimeMilliseconds());
        bytes.Write(BodyDigest);
        return bytes.ToArray();
    }

    private static void Number(MemoryStream bytes, long value)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(number, value);
        bytes.Write(number);
    }
}

/// <summary>A header with the site's ECDSA P-256 signature over its canonical bytes.</summary>
/// <param name="Header">What is vouched for.</param>
/// <param name="Signature">64 bytes (IEEE P1363).</param>
public sealed record SignedMessage(MessageHeader Header, byte[] Signature)
{
    /// <summary>Signs a header.</summary>
    /// <param name="header">What to vouch for.</param>
    /// <param name="key">The site's P-256 private key.</param>
    public static SignedMessage Sign(MessageHeader header, ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(header);
        ArgumentNullException.ThrowIfNull(key);
        if (key.KeySize != 256) throw new ArgumentException("A P-256 key is needed.", nameof(key));
        return new(header, key.SignData(header.Canonical(), HashAlgorithmName.SHA256));
    }
}
