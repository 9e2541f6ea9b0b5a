using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Identity;
using Comity.Coordinator.Storage;

namespace Comity.Coordinator.Replicas;

/// <summary>One authority for all replicas: its key lies in the store, sealed with a secret that only the replicas have, so that who reads the database, or a dump of it, can still be nobody.</summary>
/// <remarks>AES-256-GCM (NIST SP 800-38D) under a key that HKDF-SHA256 (RFC 5869) makes of the secret, which is long and random.</remarks>
internal static class SharedAuthority
{
    private const string Key = "authority-sealed";
    private static readonly byte[] Purpose = "comity: the authority of replicas, 1"u8.ToArray();

    /// <summary>Puts the store's authority into the folder; makes it at the first start of the first replica, or takes the folder's in.</summary>
    /// <param name="run">Folder and secret.</param>
    /// <param name="store">The store.</param>
    /// <param name="database">Who belongs.</param>
    /// <exception cref="StoreRefusedException">The secret is another, or the store belongs to another authority.</exception>
    public static CertificateAuthority Open(HostRun run, PostgresStore store, CoordinatorDatabase database)
    {
        var (folder, secret) = (run.Options.DataFolder, run.Options.ReplicaSecret!);
        var had = CertificateAuthority.Exists(folder);
        if (!had && Sealed(database) is { } there) Unseal(there, secret, run, store);
        else if (!had) StoreMark.Match(folder, store, database);
        using (var mine = CertificateAuthority.OpenOrMake(folder, run.Time, run.Vault))
        {
            // Of replicas that start at the same moment one is the first.
            database.Write("INSERT INTO settings VALUES (@a, @b) ON CONFLICT DO NOTHING", Key, Seal(mine, secret));
        }
        var kept = Sealed(database)!;
        if (had) _ = Plain(kept, secret, store); // a secret that differs is noticed now, not when another replica starts
        else Unseal(kept, secret, run, store);
        return CertificateAuthority.OpenOrMake(folder, run.Time, run.Vault);
    }

    private static string? Sealed(CoordinatorDatabase database) => database.Read("SELECT value FROM settings WHERE key = @a", r => r.GetString(0), Key).FirstOrDefault();

    private static string Seal(CertificateAuthority authority, string secret)
    {
        using var key = authority.Certificate.GetECDsaPrivateKey() ?? throw new CryptographicException("The authority's key is missing.");
        var plain = Encoding.UTF8.GetBytes(authority.Certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
        var nonce = RandomNumberGenerator.GetBytes(AesGcm.NonceByteSizes.MaxSize);
        var (cipher, tag) = (new byte[plain.Length], new byte[AesGcm.TagByteSizes.MaxSize]);
        using var aes = Cipher(secret);
        aes.Encrypt(nonce, plain, cipher, tag, Purpose);
        CryptographicOperations.ZeroMemory(plain);
        return Convert.ToBase64String([.. nonce, .. tag, .. cipher]);
    }

    private static void Unseal(string text, string secret, HostRun run, PostgresStore store)
    {
        var pem = Plain(text, secret, store);
        var end = pem.IndexOf("-----BEGIN PRIVATE KEY", StringComparison.Ordinal);
        CertificateAuthority.Write(run.Options.DataFolder, pem[..end].Trim(), pem[end..], run.Vault);
    }

    private static string Plain(string text, string secret, PostgresStore store)
    {
        try
        {
            var bytes = Convert.FromBase64String(text).AsSpan();
            var (nonce, tag) = (AesGcm.NonceByteSizes.MaxSize, AesGcm.TagByteSizes.MaxSize);
            var plain = new byte[bytes.Length - nonce - tag];
            using var aes = Cipher(secret);
            aes.Decrypt(bytes[..nonce], bytes[(nonce + tag)..], bytes.Slice(nonce, tag), plain, Purpose);
            return Encoding.UTF8.GetString(plain);
        }
        catch (CryptographicException)
        {
            throw new StoreRefusedException(Texts.Problem("replica-secret-wrong", ServeOptions.SecretVariable, store.Address.Shown));
        }
    }

    private static AesGcm Cipher(string secret) => new(HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, info: Purpose), AesGcm.TagByteSizes.MaxSize);
}
