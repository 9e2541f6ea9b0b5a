using Comity.Declarations;

namespace Comity.Cli.Commands;

/// <summary>Files that a user named for a command's result.</summary>
internal static class OutputFile
{
    /// <summary>Writes, and says of a place that can't be written what to do about it.</summary>
    /// <exception cref="StoppedException">Exit code 4: it can't be written.</exception>
    public static void Write(string path, Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("file-unwritable", Place.InFile(path), e.Message));
        }
    }
}
