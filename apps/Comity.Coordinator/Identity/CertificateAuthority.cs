using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Federation.AtRest;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Identity;

/// <summary>The federation's certificate authority: made at the coordinator's first start, its private key never leaves the data folder.</summary>
internal sealed class CertificateAuthority : IDisposable
{
    /// <summary>How long a site's certificate holds. It renews itself at half of it, so that a warning 30 days ahead means that renewing fails.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(90);

    /// <summary>How long before the end people are warned.</summary>
    public static readonly TimeSpan WarnAhead = TimeSpan.FromDays(30);

    private const int Years = 20;
    private const string CertificateFile = "authority.pem";
    /// <summary>Name of the file that holds the private key.</summary>
    public const string KeyFile = "authority.key";
    private const string ReplicaName = "CN=Comity replica";

    private readonly X509Certificate2 _certificate;
    private readonly TimeProvider _time;

    private CertificateAuthority(X509Certificate2 certificate, TimeProvider time) => (_certificate, _time, Key) = (certificate, time, AuthorityKey.Of(certificate)!);

    /// <summary>The public key that sites pin.</summary>
    public AuthorityKey Key { get; }

    /// <summary>The authority's own certificate with its private key.</summary>
    public X509Certificate2 Certificate => _certificate;

    /// <summary>Whether a folder holds an authority.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, KeyFile)) && File.Exists(Path.Combine(folder, CertificateFile));

    /// <summary>The folder's authority, made if it is not there.</summary>
    /// <exception cref="CryptographicException">The files are damaged, or do not fit together.</exception>
    public static CertificateAuthority OpenOrMake(string folder, TimeProvider time, StateVault? vault = null)
    {
        var (certificatePath, keyPath) = (Path.Combine(folder, CertificateFile), Path.Combine(folder, KeyFile));
        if (!File.Exists(certificatePath)) // the certificate is written last
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            SecretFile.Write(keyPath, key.ExportPkcs8PrivateKeyPem(), vault);
            using var made = Make(key, time.GetUtcNow());
            SecretFile.Write(certificatePath, made.ExportCertificatePem());
        }
        using var read = X509Certificate2.CreateFromPem(File.ReadAllText(certificatePath), SecretFile.Read(keyPath, vault));
        return new(read.Usable(), time);
    }

    /// <summary>Puts an authority into a folder, in the place of what is there.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="certificate">Its certificate (PEM).</param>
    /// <param name="key">Its private key (PEM).</param>
    /// <param name="vault">What the folder's secrets are encrypted with; null: nothing.</param>
    public static void Write(string folder, string certificate, string key, StateVault? vault)
    {
        SecretFile.Write(Path.Combine(folder, KeyFile), key, vault);
        SecretFile.Write(Path.Combine(folder, CertificateFile), certificate);
    }

    /// <summary>A certificate with which a replica calls another: no member's name holds a space, so it can't be taken for a member's.</summary>
    public X509Certificate2 IssueReplica()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issued = Issue(new CertificateRequest(ReplicaName, key, HashAlgorithmName.SHA256), "1.3.6.1.5.5.7.3.2");
        using var whole = issued.CopyWithPrivateKey(key);
        return whole.Usable();
    }

    /// <summary>Whether a certificate is a replica's of this authority.</summary>
    public bool IsReplica(X509Certificate2 certificate, DateTimeOffset now) =>
        certificate.Subject == ReplicaName && Key.JudgeClient(certificate, now) == CertificateVerdict.Valid;

    /// <summary>A certificate for the server: a fresh key each time, which lives in memory only.</summary>
    /// <param name="hosts">Names and addresses by which it is reached.</param>
    public X509Certificate2 IssueServer(IEnumerable<string> hosts)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in hosts.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            if (IPAddress.TryParse(host.Trim('[', ']'), out var address)) names.AddIpAddress(address);
            else names.AddDnsName(host);
        }
        var request = new CertificateRequest("CN=Comity coordinator", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build());
        using var issued = Issue(request, "1.3.6.1.5.5.7.3.1");
        using var whole = issued.CopyWithPrivateKey(key);
        return whole.Usable();
    }

    /// <summary>A certificate for a member's key.</summary>
    /// <param name="name">The member's name, as it was approved; what the request says of it counts for nothing.</param>
    /// <param name="publicKey">The key.</param>
    public X509Certificate2 IssueMember(string name, PublicKey publicKey)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        return Issue(new CertificateRequest(subject.Build(), publicKey, HashAlgorithmName.SHA256), "1.3.6.1.5.5.7.3.2");
    }

    public void Dispose() => _certificate.Dispose();

    private static X509Certificate2 Make(ECDsa key, DateTimeOffset now)
    {
        var request = new CertificateRequest("CN=Comity federation", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(now.AddHours(-1), now.AddYears(Years));
    }

    private X509Certificate2 Issue(CertificateRequest request, string use)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], critical: true));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var now = _time.GetUtcNow();
        var end = now + Lifetime;
        return request.Create(_certificate, now.AddHours(-1), end < _certificate.NotAfter ? end : _certificate.NotAfter, RandomNumberGenerator.GetBytes(16));
    }
}
