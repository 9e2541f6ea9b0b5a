using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Comity.Transport.Identity;

/// <summary>Names a public key in a form that two people can compare over the phone: eight groups of four characters.</summary>
/// <remarks>
/// The first 160 bits of the SHA-256 of the key's SubjectPublicKeyInfo. Passing for another key takes a second preimage
/// (2¹⁶⁰ trials); two keys of one owner that share a fingerprint (2⁸⁰) would bring that owner nothing.
/// </remarks>
public readonly record struct KeyFingerprint
{
    /// <summary>Bytes that are kept of the digest.</summary>
    public const int Length = 20;

    private readonly string? _text;

    private KeyFingerprint(string text) => _text = text;

    /// <summary>The fingerprint of a public key.</summary>
    /// <param name="subjectPublicKeyInfo">DER.</param>
    public static KeyFingerprint Of(ReadOnlySpan<byte> subjectPublicKeyInfo) => new(Crockford.Encode(SHA256.HashData(subjectPublicKeyInfo).AsSpan(0, Length)));

    /// <summary>The fingerprint of a key pair's public half.</summary>
    public static KeyFingerprint Of(AsymmetricAlgorithm key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Of(key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>The fingerprint of the key that a certificate is for.</summary>
    public static KeyFingerprint Of(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return Of(certificate.PublicKey.ExportSubjectPublicKeyInfo());
    }

    /// <summary>Reads what a person typed: groups, case and the letters that look like digits don't matter.</summary>
    public static bool TryParse(string? text, out KeyFingerprint fingerprint)
    {
        fingerprint = default;
        if (text is not { Length: <= 64 } || Crockford.Decode(text) is not { Length: Length } bytes) return false;
        fingerprint = new(Crockford.Encode(bytes));
        return true;
    }

    /// <summary>Without groups, as it stands in messages and files: 32 characters.</summary>
    public string Plain => _text ?? "";

    /// <summary>In groups, as people read it.</summary>
    public override string ToString() => string.Join('-', Plain.Chunk(4).Select(group => new string(group)));
}
