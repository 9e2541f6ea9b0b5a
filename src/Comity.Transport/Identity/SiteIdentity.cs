using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Comity.Federation.AtRest;

namespace Comity.Transport.Identity;

/// <summary>Who a site is: its key, which is made here and never leaves, its certificate, and the coordinator that it trusts.</summary>
/// <remarks>Three files in the site's state folder: <c>site.key</c> (mode 600), <c>site.pem</c>, <c>coordinator.json</c>.</remarks>
public sealed class SiteIdentity : IDisposable
{
    /// <summary>Name of the file that holds the private key.</summary>
    public const string KeyFile = "site.key";

    private const string CertificateFile = "site.pem";
    private const string CoordinatorFile = "coordinator.json";

    private readonly string _folder;

    private SiteIdentity(string folder, ECDsa key) => (_folder, Key, Fingerprint) = (folder, key, KeyFingerprint.Of(key));

    /// <summary>The site's P-256 key pair.</summary>
    public ECDsa Key { get; }

    /// <summary>What the site's owner reads out.</summary>
    public KeyFingerprint Fingerprint { get; }

    /// <summary>The certificate with its private key; null: not approved yet.</summary>
    public X509Certificate2? Certificate { get; private set; }

    /// <summary>The coordinator that the site has joined or asks to join; null: none.</summary>
    public PinnedCoordinator? Coordinator { get; private set; }

    /// <summary>Opens the identity in a folder; the key is made if there is none.</summary>
    /// <exception cref="CryptographicException">The files are damaged, or the certificate is for another key.</exception>
    /// <exception cref="IOException">The folder can't be used.</exception>
    /// <param name="folder">The site's state.</param>
    /// <param name="vault">How the key is kept; null: as it is.</param>
    public static SiteIdentity OpenOrMake(string folder, StateVault? vault = null)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, KeyFile);
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        try
        {
            if (File.Exists(path)) key.ImportFromPem(SecretFile.Read(path, vault));
            else SecretFile.Write(path, key.ExportPkcs8PrivateKeyPem(), vault);
            var identity = new SiteIdentity(folder, key);
            identity.ReadCoordinator();
            identity.ReadCertificate();
            return identity;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>Whether a folder holds a key.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, KeyFile));

    /// <summary>Whether others than the owner may read the key.</summary>
    public bool KeyIsExposed => SecretFile.OthersMayRead(Path.Combine(_folder, KeyFile));

    /// <summary>Remembers the coordinator to trust. The certificate of another one is put away.</summary>
    public void Pin(PinnedCoordinator coordinator)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        if (Coordinator is { } before && before.AuthorityPoint != coordinator.AuthorityPoint)
        {
            File.Delete(Path.Combine(_folder, CertificateFile));
            Certificate = null;
        }
        SecretFile.Write(Path.Combine(_folder, CoordinatorFile), JsonSerializer.Serialize(coordinator, JsonSerializerOptions.Web));
        Coordinator = coordinator;
    }

    /// <summary>A signing request for the key (PKCS #10, DER).</summary>
    /// <param name="name">The site's name.</param>
    public byte[] SigningRequest(string name)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        return new CertificateRequest(subject.Build(), Key, HashAlgorithmName.SHA256).CreateSigningRequest();
    }

    /// <summary>Takes the certificate that the coordinator issued.</summary>
    /// <returns>False, and nothing is kept: it is not this coordinator's, or not for this key.</returns>
    public bool Take(byte[] certificate, DateTimeOffset now)
    {
        using var issued = X509CertificateLoader.LoadCertificate(certificate);
        if (Coordinator?.Authority.JudgeClient(issued, now) != CertificateVerdict.Valid || KeyFingerprint.Of(issued) != Fingerprint) return false;
        SecretFile.Write(Path.Combine(_folder, CertificateFile), issued.ExportCertificatePem());
        ReadCertificate();
        return true;
    }

    /// <summary>How to connect. Null: no coordinator is pinned.</summary>
    /// <param name="site">The site's name.</param>
    /// <param name="roots">Where a proxy ends TLS: what its certificate's chain must end in; null: the system's roots.</param>
    public CoordinatorConnection? Connection(string site, X509Certificate2Collection? roots) => Coordinator is not { } pinned ? null : new()
    {
        Address = pinned.Address,
        Authority = pinned.Authority,
        ThroughProxy = pinned.ThroughProxy || roots is not null,
        Roots = roots ?? [],
        Certificate = Certificate,
        Site = site,
        SigningKey = Key,
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        Key.Dispose();
        Certificate?.Dispose();
    }

    private void ReadCoordinator()
    {
        var path = Path.Combine(_folder, CoordinatorFile);
        if (!File.Exists(path)) return;
        try
        {
            Coordinator = JsonSerializer.Deserialize<PinnedCoordinator>(File.ReadAllText(path), JsonSerializerOptions.Web);
            _ = Coordinator?.Authority;
        }
        catch (JsonException e)
        {
            throw new CryptographicException($"{path} is damaged: {e.Message}", e);
        }
    }

    private void ReadCertificate()
    {
        var path = Path.Combine(_folder, CertificateFile);
        if (!File.Exists(path)) return;
        using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(path));
        if (KeyFingerprint.Of(certificate) != Fingerprint) throw new CryptographicException($"{path} is for another key.");
        using var whole = certificate.CopyWithPrivateKey(Key);
        Certificate = whole.Usable();
    }
}

/// <summary>A coordinator that is trusted, as it is kept.</summary>
/// <param name="Address">Where it is.</param>
/// <param name="AuthorityPoint">Its authority's key: a compressed point in hexadecimal.</param>
/// <param name="ThroughProxy">Whether TLS ends at a proxy of its own.</param>
public sealed record PinnedCoordinator(Uri Address, string AuthorityPoint, bool ThroughProxy)
{
    /// <summary>What a join code says.</summary>
    public static PinnedCoordinator Of(JoinCode code)
    {
        ArgumentNullException.ThrowIfNull(code);
        return new(code.Coordinator, Convert.ToHexStringLower(code.Authority.Point), code.ThroughProxy);
    }

    /// <summary>Its authority's key.</summary>
    /// <exception cref="CryptographicException">The point is none.</exception>
    [System.Text.Json.Serialization.JsonIgnore]
    public AuthorityKey Authority => AuthorityKey.FromPoint(Convert.FromHexString(AuthorityPoint)) ?? throw new CryptographicException("The coordinator's key is damaged.");
}
