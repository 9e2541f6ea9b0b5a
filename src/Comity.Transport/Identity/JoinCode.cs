using System.Security.Cryptography;
using System.Text;

namespace Comity.Transport.Identity;

/// <summary>Everything that a site must know to join, in one text: where the coordinator is, which key it must prove, and a word that lets the site ask.</summary>
/// <remarks>
/// <c>comity1-</c> and, in base 32: flags (1 byte), authority (33), secret (10), address (UTF-8), checksum (the first 4 of the SHA-256
/// of what stands before). The secret only lets somebody ask: a person still approves the key.
/// </remarks>
/// <param name="Coordinator">Absolute https address.</param>
/// <param name="Authority">The key that signs the coordinator's certificates.</param>
/// <param name="Secret">10 bytes in hexadecimal.</param>
/// <param name="ThroughProxy">Whether TLS ends at a proxy of the coordinator's, so that the proxy's certificate is a public one.</param>
public sealed record JoinCode(Uri Coordinator, AuthorityKey Authority, string Secret, bool ThroughProxy)
{
    private const string Prefix = "comity1-";
    private const int SecretBytes = 10;
    private const int ChecksumBytes = 4;
    private const int Fixed = 1 + AuthorityKey.Length + SecretBytes;

    /// <summary>A fresh secret from the system's randomness.</summary>
    public static string NewSecret() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>Reads a code; null where it was cut off or mistyped.</summary>
    public static JoinCode? Parse(string? text)
    {
        text = text?.Trim();
        if (text is not { Length: < 1000 } || !text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)) return null;
        if (Crockford.Decode(text.AsSpan(Prefix.Length)) is not { Length: > Fixed + ChecksumBytes } bytes) return null;
        var said = bytes.AsSpan(0, bytes.Length - ChecksumBytes);
        if (!SHA256.HashData(said).AsSpan(0, ChecksumBytes).SequenceEqual(bytes.AsSpan(said.Length)) || said[0] > 1) return null;
        if (AuthorityKey.FromPoint(said[1..(1 + AuthorityKey.Length)]) is not { } authority) return null;
        if (!Uri.TryCreate(Encoding.UTF8.GetString(said[Fixed..]), UriKind.Absolute, out var address) || address.Scheme != Uri.UriSchemeHttps) return null;
        return new(address, authority, Convert.ToHexStringLower(said.Slice(1 + AuthorityKey.Length, SecretBytes)), said[0] == 1);
    }

    /// <summary>The code as it is handed over.</summary>
    public override string ToString()
    {
        byte[] said = [ThroughProxy ? (byte)1 : (byte)0, .. Authority.Point, .. Convert.FromHexString(Secret), .. Encoding.UTF8.GetBytes(Coordinator.AbsoluteUri)];
        return Prefix + Crockford.Encode([.. said, .. SHA256.HashData(said).AsSpan(0, ChecksumBytes)]);
    }
}
