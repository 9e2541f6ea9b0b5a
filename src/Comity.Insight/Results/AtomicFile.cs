using System.Text;

namespace Comity.Insight.Results;

/// <summary>Writes a file beside its place and moves it there when it is whole, so that a reader never sees half of it.</summary>
public static class AtomicFile
{
    /// <summary>What an unfinished file's name ends with.</summary>
    public const string Unfinished = ".unfinished";

    /// <summary>Writes a text in UTF-8 without a byte order mark; its folder is made where it is missing.</summary>
    /// <exception cref="IOException">The place can't be written.</exception>
    public static void Write(string path, string text) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes what <paramref name="write"/> gives; its folder is made where it is missing.</summary>
    /// <exception cref="IOException">The place can't be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        var unfinished = Beside(path);
        try
        {
            using (var stream = Create(unfinished))
            {
                write(stream);
                stream.Flush(flushToDisk: true); // the name must not become durable before the bytes
            }
            File.Move(unfinished, path, overwrite: true);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }

    /// <summary>Writes what <paramref name="write"/> gives; its folder is made where it is missing.</summary>
    /// <exception cref="IOException">The place can't be written.</exception>
    public static async Task WriteAsync(string path, Func<Stream, Task> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        var unfinished = Beside(path);
        try
        {
            await using (var stream = Create(unfinished))
            {
                await write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(unfinished, path, overwrite: true);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }

    // In the same folder: a move between volumes is a copy, and a copy can be interrupted.
    private static string Beside(string path) => Path.GetFullPath(path) + Unfinished;

    private static FileStream Create(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
    }
}
