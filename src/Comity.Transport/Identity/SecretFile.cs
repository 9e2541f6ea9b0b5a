using System.Security.Cryptography.X509Certificates;
using Comity.Federation.AtRest;

namespace Comity.Transport.Identity;

/// <summary>Files that only their owner may read.</summary>
public static class SecretFile
{
    /// <summary>Writes a file whole or not at all, mode 600 from its first byte, and on the disk before this returns.</summary>
    /// <param name="path">The file.</param>
    /// <param name="text">What it shall hold.</param>
    /// <param name="vault">How it is kept; null: as it is.</param>
    public static void Write(string path, string text, StateVault? vault = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (vault is { IsSealed: true })
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(text);
            vault.WriteAll(path, bytes, flush: true, ownerOnly: true);
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(bytes);
            return;
        }
        var draft = path + ".new";
        File.Delete(draft);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(draft, options))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, path, overwrite: true);
    }

    /// <summary>Reads a file's text.</summary>
    /// <param name="path">The file.</param>
    /// <param name="vault">How it is kept; null: as it is.</param>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It is sealed, and was changed, or its key was not given.</exception>
    public static string Read(string path, StateVault? vault = null)
    {
        try
        {
            return System.Text.Encoding.UTF8.GetString((vault ?? StateVault.Plain).ReadAll(path));
        }
        catch (InvalidDataException e)
        {
            throw new System.Security.Cryptography.CryptographicException(e.Message, e);
        }
    }

    /// <summary>Whether somebody else may read a file; always false where the system keeps no such bits.</summary>
    public static bool OthersMayRead(string path) =>
        !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite)) != 0;

    /// <summary>A certificate with a private key in the form that every platform's TLS can use.</summary>
    /// <remarks>Windows can't use a key that was only ever in memory.</remarks>
    public static X509Certificate2 Usable(this X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }
}
