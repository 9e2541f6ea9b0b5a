using System.Text;

namespace Comity.Cli.Runs;

/// <summary>Writes a file beside its place and moves it there when it is complete: nobody ever sees half of it.</summary>
internal static class WholeFile
{
    /// <summary>What an unfinished file's name ends with.</summary>
    public const string Unfinished = ".unfinished";

    public static void Write(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text));

    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var beside = path + Unfinished;
        try
        {
            using (var stream = new FileStream(beside, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                stream.Write(bytes);
                stream.Flush(flushToDisk: true); // the name must not become durable before the bytes
            }
            File.Move(beside, path, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }
}
