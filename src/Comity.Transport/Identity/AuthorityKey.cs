using System.Formats.Asn1;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Transport.Signing;

namespace Comity.Transport.Identity;

/// <summary>The public key of a coordinator's certificate authority, small enough to stand in a join code: a compressed P-256 point.</summary>
/// <remarks>
/// A site trusts this key and nothing else. It checks a certificate's signature by itself, since a server does not send its root and
/// the platform's chain wants one.
/// </remarks>
public sealed class AuthorityKey : IEquatable<AuthorityKey>
{
    /// <summary>Bytes of a compressed point.</summary>
    public const int Length = 33;

    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);
    private readonly byte[] _point;
    private readonly byte[] _publicKey;
    private readonly VerifyingKey _key;

    // A connection shows one certificate for all of its calls: whether it is this authority's is found out once.
    private readonly ConditionalWeakTable<X509Certificate2, object> _signed = [];

    private AuthorityKey(byte[] point, byte[] publicKey) =>
        (_point, _publicKey, _key) = (point, publicKey, VerifyingKey.Of(publicKey) ?? throw new ArgumentException("The key is not on P-256.", nameof(publicKey)));

    /// <summary>The key's fingerprint.</summary>
    public KeyFingerprint Fingerprint => KeyFingerprint.Of(_publicKey);

    /// <summary>The compressed point, 33 bytes (SEC 1, 2.3.3).</summary>
    public ReadOnlySpan<byte> Point => _point;

    /// <summary>The public key of a P-256 key pair.</summary>
    public static AuthorityKey Of(ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var q = key.ExportParameters(includePrivateParameters: false).Q;
        return new([(byte)(2 | q.Y![^1] & 1), .. q.X!], key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>The key that an authority's certificate is for; null where it is no P-256 key.</summary>
    public static AuthorityKey? Of(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        using var key = certificate.GetECDsaPublicKey();
        return key is { KeySize: 256 } ? Of(key) : null;
    }

    /// <summary>Reads a compressed point; null where it is none of the curve.</summary>
    public static AuthorityKey? FromPoint(ReadOnlySpan<byte> point) =>
        point.Length == Length && point[0] is 2 or 3 && CompressedPoint.Expand(point) is { } publicKey ? new(point.ToArray(), publicKey) : null;

    /// <summary>Whether this authority signed a certificate, whatever it says.</summary>
    public bool Signed(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        try
        {
            var parts = new AsnReader(certificate.RawDataMemory, AsnEncodingRules.DER).ReadSequence();
            var signed = parts.ReadEncodedValue();
            parts.ReadEncodedValue();
            var signature = parts.ReadBitString(out _);
            return _key.Verify(signed.Span, signature, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    /// <summary>Whether this authority signed a text.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => _key.Verify(data, signature);

    /// <summary>Judges the certificate that a server showed.</summary>
    public CertificateVerdict JudgeServer(X509Certificate2 certificate, DateTimeOffset now) => Judge(certificate, ServerAuthentication, now);

    /// <summary>Judges the certificate that a site showed.</summary>
    public CertificateVerdict JudgeClient(X509Certificate2 certificate, DateTimeOffset now) => Judge(certificate, ClientAuthentication, now);

    /// <inheritdoc/>
    public bool Equals(AuthorityKey? other) => other is not null && _point.AsSpan().SequenceEqual(other._point);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AuthorityKey);

    /// <inheritdoc/>
    public override int GetHashCode() => BitConverter.ToInt32(_point, 1);

    private CertificateVerdict Judge(X509Certificate2 certificate, string use, DateTimeOffset now)
    {
        if (!(bool)_signed.GetValue(certificate, shown => Signed(shown))) return CertificateVerdict.Foreign;
        var uses = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().SelectMany(e => e.EnhancedKeyUsages.Cast<Oid>()).Select(o => o.Value);
        if (!uses.Contains(use)) return CertificateVerdict.WrongUse;
        if (now < certificate.NotBefore - ClockTolerance) return CertificateVerdict.NotYetValid;
        return now > certificate.NotAfter + ClockTolerance ? CertificateVerdict.Expired : CertificateVerdict.Valid;
    }
}

/// <summary>What an authority says of a certificate.</summary>
public enum CertificateVerdict
{
    /// <summary>It is the authority's, for this use, and in force.</summary>
    Valid,

    /// <summary>Another authority signed it, or nobody did.</summary>
    Foreign,

    /// <summary>It is the authority's, for something else: a site's certificate does not make a server.</summary>
    WrongUse,

    /// <summary>It begins later: one of the clocks is wrong.</summary>
    NotYetValid,

    /// <summary>It has run out.</summary>
    Expired,
}
