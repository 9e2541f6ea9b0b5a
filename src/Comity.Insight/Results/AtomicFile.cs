namespace Comity.Insight.Results;

/// <summary>Writes a file beside its place and moves it there when it is whole, so that a reader never sees half of it.</summary>
internal static class AtomicFile
{
    public static void Write(string path, Action<Stream> write)
    {
        var unfinished = Unfinished(path);
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

    public static async Task WriteAsync(string path, Func<Stream, Task> write)
    {
        var unfinished = Unfinished(path);
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
    private static string Unfinished(string path) => Path.GetFullPath(path) + ".unfinished";

    private static FileStream Create(string path) => new(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
}
