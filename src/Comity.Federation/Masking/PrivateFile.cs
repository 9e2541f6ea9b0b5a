using System.Security.Cryptography;
using Comity.Federation.AtRest;

namespace Comity.Federation.Masking;

/// <summary>Small files with secrets: readable by their owner only, whole or not there, overwritten before they are deleted.</summary>
internal static class PrivateFile
{
    /// <summary>Writes a file and clears the bytes.</summary>
    /// <param name="path">Where; replaced as a whole.</param>
    /// <param name="bytes">Cleared when they are written.</param>
    /// <param name="flush">Whether it must survive loss of power.</param>
    /// <param name="vault">How it is kept; null: as it is.</param>
    public static void Write(string path, byte[] bytes, bool flush, StateVault? vault = null)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var partial = path + ".part";
        using (var file = (vault ?? StateVault.Plain).Create(partial, bytes.Length, ownerOnly: true))
        {
            file.Write(0, bytes);
            if (flush) file.FlushToDisk();
        }
        // The old bytes are overwritten once the new ones stand: killed in between, one of the two is whole.
        using var old = File.Exists(path) ? new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete) : null;
        File.Move(partial, path, overwrite: true);
        if (old is not null) Overwrite(old);
        CryptographicOperations.ZeroMemory(bytes);
    }

    /// <summary>Writes zeros over a file: as much as can be done above a file system that may keep old blocks.</summary>
    public static void Overwrite(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
        Overwrite(file);
    }

    /// <summary>Writes zeros over an open file.</summary>
    public static void Overwrite(FileStream file)
    {
        var zeros = new byte[(int)Math.Min(1 << 16, file.Length)];
        for (var left = file.Length; left > 0; left -= zeros.Length) file.Write(zeros, 0, (int)Math.Min(zeros.Length, left));
    }
}
