using System.Security.Cryptography;
using System.Text;

namespace Comity.Serving.Releases;

/// <summary>The key that signs releases and deployments: ECDSA on P-256, made here and never sent anywhere.</summary>
public sealed class SigningKey : IDisposable
{
    /// <summary>Name of the only algorithm.</summary>
    public const string Algorithm = "ecdsa-p256-sha256";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly ECDsa _key;

    private SigningKey(ECDsa key) => _key = key;

    /// <summary>The public key (SubjectPublicKeyInfo, DER).</summary>
    public byte[] PublicKey => _key.ExportSubjectPublicKeyInfo();

    /// <summary>SHA-256 (hex) of the public key: what people compare and pin.</summary>
    public string Fingerprint => FingerprintOf(PublicKey);

    /// <summary>Fingerprint of a public key.</summary>
    public static string FingerprintOf(ReadOnlySpan<byte> publicKey) => Convert.ToHexStringLower(SHA256.HashData(publicKey));

    /// <summary>A new key, kept nowhere.</summary>
    public static SigningKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Opens the key of a folder, or makes one there.</summary>
    /// <param name="file">PEM file; its folder is made if needed.</param>
    /// <exception cref="ReleaseRefusedException">Others may read the file, or it holds no such key.</exception>
    public static SigningKey OpenOrCreate(string file)
    {
        if (!File.Exists(file)) Store(file);
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & ~OwnerOnly) != 0)
            throw new ReleaseRefusedException(Messages.Problem("key-open-to-others", Declarations.Place.InFile(file)));
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(file));
            if (key.KeySize == 256) return new SigningKey(key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // said below, without the file's content
        }
        key.Dispose();
        throw new ReleaseRefusedException(Messages.Problem("key-unreadable", Declarations.Place.InFile(file)));
    }

    /// <summary>Signs bytes; the signature is in the fixed form of IEEE P1363, 64 bytes.</summary>
    public byte[] Sign(ReadOnlySpan<byte> bytes) => _key.SignData(bytes, HashAlgorithmName.SHA256);

    /// <summary>Whether a signature of a public key fits the bytes.</summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature)
    {
        try
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(publicKey, out var read);
            // Another curve, or bytes behind the key, would give one signer several fingerprints.
            return read == publicKey.Length && key.KeySize == 256 && key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(publicKey)
                && key.VerifyData(bytes, signature, HashAlgorithmName.SHA256);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"[redacted] {Fingerprint}";

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private static void Store(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // The mode is set as the file is made: there is no moment in which others could read it.
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using var stream = new FileStream(file, options);
        stream.Write(Encoding.ASCII.GetBytes(made.ExportPkcs8PrivateKeyPem() + "\n"));
        stream.Flush(flushToDisk: true);
    }
}
