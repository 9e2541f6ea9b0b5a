using System.Security.Cryptography;

namespace Comity.SecureAggregation.Keys;

/// <summary>A site's long-lived signing key (ECDSA P-256): it vouches for the site's keys of one round, so that the coordinator can't put its own in their place.</summary>
public sealed class SiteIdentity : IDisposable
{
    private readonly ECDsa _key;

    /// <param name="key">A P-256 private key; taken over.</param>
    public SiteIdentity(ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.KeySize != 256) throw new ArgumentException("A P-256 key is needed.", nameof(key));
        _key = key;
        PublicKey = key.ExportSubjectPublicKeyInfo();
    }

    /// <summary>Makes a new identity.</summary>
    public static SiteIdentity Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>The public key as SubjectPublicKeyInfo (DER); its SHA-256 is what people compare by phone.</summary>
    public byte[] PublicKey { get; }

    internal byte[] Sign(ReadOnlySpan<byte> statement) => _key.SignData(statement, HashAlgorithmName.SHA256);

    internal static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> statement, ReadOnlySpan<byte> signature)
    {
        using var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(publicKey, out _);
            return key.VerifyData(statement, signature, HashAlgorithmName.SHA256);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    /// <summary>Never the key.</summary>
    public override string ToString() => "SiteIdentity [redacted]";
}
