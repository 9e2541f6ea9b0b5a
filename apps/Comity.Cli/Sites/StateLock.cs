using Comity.Declarations;

namespace Comity.Cli.Sites;

/// <summary>A site's or a node's state folder, held by one process at a time: two would write into one audit log and pay from one ledger, each knowing nothing of the other.</summary>
internal static class StateLock
{
    private const string Name = "running.lock";

    /// <summary>Makes the folder if needed and takes it until what is returned is disposed; the end of the process frees it, however it ends.</summary>
    /// <exception cref="StoppedException">Another process holds it, or it can't be written.</exception>
    public static IDisposable Take(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new FileStream(Path.Combine(folder, Name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or DirectoryNotFoundException || (e is IOException && !File.Exists(Path.Combine(folder, Name))))
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("site-state-damaged", Place.InFile(folder), e.Message));
        }
        catch (IOException)
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("site-state-held", Place.InFile(folder)));
        }
    }
}
