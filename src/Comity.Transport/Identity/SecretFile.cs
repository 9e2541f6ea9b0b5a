using System.Security.Cryptography.X509Certificates;

namespace Comity.Transport.Identity;

/// <summary>Files that only their owner may read.</summary>
public static class SecretFile
{
    /// <summary>Writes a file whole or not at all, mode 600 from its first byte, and on the disk before this returns.</summary>
    public static void Write(string path, string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
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
