using System.Security.Cryptography;
using System.Text;

namespace Comity.Federation.Audit;

/// <summary>Signatures of audit logs: ECDSA over P-256 (FIPS 186-5), 64 bytes in the fixed form of IEEE P1363.</summary>
/// <remarks>The same key may sign calls and releases, so what is signed here begins with a text that stands nowhere else.</remarks>
public static class AuditKey
{
    /// <summary>Bytes of a signature.</summary>
    internal const int SignatureLength = 64;

    private static readonly byte[] Domain = Encoding.ASCII.GetBytes("comity audit log 1\n");

    /// <summary>The public half, as logs name it: SubjectPublicKeyInfo in hexadecimal.</summary>
    public static string PublicHalf(ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Convert.ToHexStringLower(key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>Signs a digest.</summary>
    /// <param name="key">A P-256 key pair.</param>
    /// <param name="sha256">32 bytes.</param>
    public static string Sign(ECDsa key, ReadOnlySpan<byte> sha256)
    {
        ArgumentNullException.ThrowIfNull(key);
        Span<byte> signature = stackalloc byte[SignatureLength];
        Sign(key, sha256, signature);
        return Convert.ToHexStringLower(signature);
    }

    internal static void Sign(ECDsa key, ReadOnlySpan<byte> sha256, Span<byte> signature)
    {
        Span<byte> message = stackalloc byte[Domain.Length + SHA256.HashSizeInBytes];
        Domain.CopyTo(message);
        sha256.CopyTo(message[Domain.Length..]);
        if (!key.TrySignData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation, out var written) || written != SignatureLength)
            throw new CryptographicException("The key is not on P-256.");
    }

    /// <summary>Whether a signature (lower-case hex, no other form) is a key's over a digest.</summary>
    public static bool Verify(ECDsa key, string sha256, string signature)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(sha256);
        ArgumentNullException.ThrowIfNull(signature);
        return IsHex(sha256, 64) && IsHex(signature, 128)
            && key.VerifyData(Message(Convert.FromHexString(sha256)), Convert.FromHexString(signature), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <summary>Reads a public half; null: it is none on P-256.</summary>
    public static ECDsa? Import(string publicHalf)
    {
        ArgumentNullException.ThrowIfNull(publicHalf);
        if (publicHalf.Length is 0 or > 1024 || publicHalf.Length % 2 != 0 || !IsHex(publicHalf, publicHalf.Length)) return null;
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(Convert.FromHexString(publicHalf), out _);
            if (key.KeySize == 256) return key;
        }
        catch (Exception e) when (e is CryptographicException or PlatformNotSupportedException)
        {
            // Falls through: no key, or one on a curve that nobody here knows.
        }
        key.Dispose();
        return null;
    }

    internal static bool IsHex(string text, int length) => text.Length == length && text.All(char.IsAsciiHexDigitLower);

    internal static string Sha256(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static byte[] Message(ReadOnlySpan<byte> sha256) => [.. Domain, .. sha256];
}
