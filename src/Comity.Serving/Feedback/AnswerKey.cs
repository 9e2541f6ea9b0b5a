using System.Security.Cryptography;
using Comity.Serving.Releases;

namespace Comity.Serving.Feedback;

/// <summary>The market's key for answer ids: 32 random bytes in a file that only its owner may read.</summary>
public static class AnswerKey
{
    private const int Length = 32;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Opens the key, or makes it.</summary>
    /// <exception cref="ReleaseRefusedException">The file holds no such key, or others may read it.</exception>
    public static byte[] OpenOrCreate(string file)
    {
        if (!File.Exists(file))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
            // Beside its place first: two replicas that start together must not see half of it, and one of them wins.
            var beside = $"{file}.{Environment.ProcessId}";
            using (var stream = new FileStream(beside, options))
            {
                stream.Write(RandomNumberGenerator.GetBytes(Length));
                stream.Flush(flushToDisk: true);
            }
            try
            {
                File.Move(beside, file, overwrite: false);
            }
            catch (IOException) when (File.Exists(file))
            {
                File.Delete(beside);
            }
        }
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & ~OwnerOnly) != 0) throw new ReleaseRefusedException(Messages.Problem("key-open-to-others", Declarations.Place.InFile(file)));
        var key = File.ReadAllBytes(file);
        return key.Length == Length ? key : throw new ReleaseRefusedException(Messages.Problem("answer-key", Declarations.Place.InFile(file), key.Length));
    }
}
