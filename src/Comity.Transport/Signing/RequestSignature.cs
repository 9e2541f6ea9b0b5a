using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Comity.Transport.Signing;

/// <summary>What a site vouches for when it makes a call: method, path, query and body, once, now. It survives a proxy that ends TLS.</summary>
/// <remarks>
/// An HTTP message signature (RFC 9421, ecdsa-p256-sha256) with a content digest (RFC 9530), in one fixed profile: always the same
/// components in the same order, so that nothing can be left out and no two calls read alike.
/// <code>
/// Content-Digest:  sha-256=:…:
/// Signature-Input: comity=("@method" "@path" "@query" "content-digest");created=1767225600;nonce="EPOCH.SEQUENCE";keyid="…";tag="comity-v1"
/// Signature:       comity=:…:
/// </code>
/// The coordinator makes a new epoch at each start and remembers the sequences of the current one for as long as it takes a call for
/// fresh; so nothing is accepted twice, and nothing has to be written to disk for it.
/// </remarks>
/// <param name="KeyId">Fingerprint of the signing key, without groups.</param>
/// <param name="Created">When, by the signer's clock, to the second.</param>
/// <param name="Epoch">The coordinator's epoch that the signer knew.</param>
/// <param name="Sequence">Differs from that of every other call of this key.</param>
public sealed partial record RequestSignature(string KeyId, DateTimeOffset Created, string Epoch, long Sequence)
{
    /// <summary>Name of the header that holds the body's digest.</summary>
    public const string DigestHeader = "Content-Digest";

    /// <summary>Name of the header that holds what is signed.</summary>
    public const string InputHeader = "Signature-Input";

    /// <summary>Name of the header that holds the signature.</summary>
    public const string SignatureHeader = "Signature";

    /// <summary>Longest value of one of the headers that is looked at, in characters.</summary>
    public const int LongestHeader = 400;

    /// <summary>Value of <see cref="InputHeader"/>.</summary>
    public string Input => "comity=" + Parameters;

    private string Parameters => string.Create(CultureInfo.InvariantCulture,
        $"(\"@method\" \"@path\" \"@query\" \"content-digest\");created={Created.ToUnixTimeSeconds()};nonce=\"{Epoch}.{Sequence}\";keyid=\"{KeyId}\";tag=\"comity-v1\"");

    /// <summary>Value of <see cref="DigestHeader"/>.</summary>
    /// <param name="sha256">SHA-256 of the body, 32 bytes.</param>
    public static string DigestValue(ReadOnlySpan<byte> sha256) => $"sha-256=:{Convert.ToBase64String(sha256)}:";

    /// <summary>The digest in a <see cref="DigestHeader"/>; null where it is none.</summary>
    public static byte[]? ReadDigest(string? value) => value is { Length: <= LongestHeader } && DigestPattern().Match(value) is { Success: true } match
        ? Bytes(match.Groups["digest"].Value, SHA256.HashSizeInBytes) : null;

    /// <summary>Reads an <see cref="InputHeader"/>; null where it is not exactly of this profile.</summary>
    public static RequestSignature? ReadInput(string? value)
    {
        if (value is not { Length: <= LongestHeader } || InputPattern().Match(value) is not { Success: true } match) return null;
        var culture = CultureInfo.InvariantCulture;
        if (!long.TryParse(match.Groups["created"].Value, NumberStyles.None, culture, out var created) || created > 253402300799) return null;
        if (!long.TryParse(match.Groups["sequence"].Value, NumberStyles.None, culture, out var sequence)) return null;
        var read = new RequestSignature(match.Groups["key"].Value, DateTimeOffset.FromUnixTimeSeconds(created), match.Groups["epoch"].Value, sequence);
        return read.Input == value ? read : null; // one way to write it: no leading zeros
    }

    /// <summary>Value of <see cref="SignatureHeader"/> for a call.</summary>
    /// <param name="method">Such as POST.</param>
    /// <param name="target">Path and query as they stand in the request line.</param>
    /// <param name="bodySha256">SHA-256 of the body; of no bytes where there is none.</param>
    /// <param name="key">P-256 private key.</param>
    public string Sign(string method, string target, ReadOnlySpan<byte> bodySha256, ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.KeySize != 256) throw new ArgumentException("A P-256 key is needed.", nameof(key));
        return $"comity=:{Convert.ToBase64String(key.SignData(Signed(method, target, bodySha256), HashAlgorithmName.SHA256))}:";
    }

    /// <summary>Whether a signature is the key's, for this very call.</summary>
    /// <param name="method">Method of the call that arrived.</param>
    /// <param name="target">Its path and query, as they arrived.</param>
    /// <param name="bodySha256">The digest that the call claims for its body; the body itself is checked as it is read.</param>
    /// <param name="signature">Value of <see cref="SignatureHeader"/>.</param>
    /// <param name="key">The caller's key.</param>
    public bool Verify(string method, string target, ReadOnlySpan<byte> bodySha256, string? signature, VerifyingKey? key)
    {
        if (signature is not { Length: <= LongestHeader } || SignaturePattern().Match(signature) is not { Success: true } match) return false;
        return key is not null && Bytes(match.Groups["signature"].Value, 64) is { } bytes && key.Verify(Signed(method, target, bodySha256), bytes);
    }

    private byte[] Signed(string method, string target, ReadOnlySpan<byte> bodySha256)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        return SignatureBase.Of(
            [
                ("@method", method),
                ("@path", query < 0 ? target : target[..query]),
                ("@query", query < 0 ? "?" : target[query..]), // RFC 9421, 2.2.7: an absent query is a lone question mark
                ("content-digest", DigestValue(bodySha256)),
            ], Parameters);
    }

    private static byte[]? Bytes(string base64, int length)
    {
        var bytes = new byte[length];
        // Bits behind the last byte must be zero: one text for one value.
        return Convert.TryFromBase64String(base64, bytes, out var written) && written == length && Convert.ToBase64String(bytes) == base64 ? bytes : null;
    }

    [GeneratedRegex("^comity=\\(\"@method\" \"@path\" \"@query\" \"content-digest\"\\);created=(?<created>[0-9]{1,12});nonce=\"(?<epoch>[0-9A-Za-z]{0,40})\\.(?<sequence>[0-9]{1,19})\";keyid=\"(?<key>[0-9A-Z]{1,40})\";tag=\"comity-v1\"$", RegexOptions.CultureInvariant)]
    private static partial Regex InputPattern();

    [GeneratedRegex("^comity=:(?<signature>[A-Za-z0-9+/]{86}==):$", RegexOptions.CultureInvariant)]
    private static partial Regex SignaturePattern();

    [GeneratedRegex("^sha-256=:(?<digest>[A-Za-z0-9+/]{43}=):$", RegexOptions.CultureInvariant)]
    private static partial Regex DigestPattern();
}
