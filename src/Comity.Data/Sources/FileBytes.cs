using System.Buffers.Binary;
using System.IO.Compression;
using Comity.Declarations;

namespace Comity.Data.Sources;

/// <summary>Reads whole files, unpacked where they end in .gz.</summary>
internal static class FileBytes
{
    /// <summary>The file's content; null, with the reason among the problems, where it can't be read.</summary>
    /// <param name="path">Path to open.</param>
    /// <param name="name">The file as the user named it, for problems.</param>
    /// <param name="problems">Where problems go.</param>
    public static ReadOnlyMemory<byte>? Read(string path, string name, ProblemList problems)
    {
        var place = Place.InFile(name);
        try
        {
            return path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".tgz", StringComparison.OrdinalIgnoreCase) ? Unzip(path) : File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            problems.Add(Messages.Problem("source-missing", place, name));
        }
        catch (InvalidDataException e)
        {
            problems.Add(Messages.Problem("gzip-broken", place, e.Message));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(Messages.Problem("source-unreadable", place, e.Message));
        }
        return null;
    }

    private static ReadOnlyMemory<byte> Unzip(string path)
    {
        using var file = File.OpenRead(path);
        // An archive that was cut off ends without its trailer; the platform's reader takes that for the end of the data.
        if (file.Length < 18) throw new InvalidDataException($"{file.Length} bytes");
        Span<byte> trailer = stackalloc byte[4];
        file.Seek(-4, SeekOrigin.End);
        file.ReadExactly(trailer);
        file.Seek(0, SeekOrigin.Begin);
        var stated = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        using var unzip = new GZipStream(file, CompressionMode.Decompress);
        using var all = new MemoryStream((int)Math.Min(Math.Max(stated, 256), file.Length * 64));
        unzip.CopyTo(all);
        if ((uint)all.Length != stated) throw new InvalidDataException($"{all.Length} ≠ {stated}");
        return all.GetBuffer().AsMemory(0, (int)all.Length);
    }
}
