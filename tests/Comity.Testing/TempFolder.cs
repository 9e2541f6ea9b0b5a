namespace Comity.Testing;

/// <summary>A folder of a test's own, gone with all that is in it when the test ends.</summary>
public sealed class TempFolder : IDisposable
{
    /// <summary>Makes the folder.</summary>
    public TempFolder() => FullPath = Directory.CreateTempSubdirectory("comity-").FullName;

    /// <summary>Absolute path of the folder.</summary>
    public string FullPath { get; }

    /// <summary>A path in the folder; nothing is made there.</summary>
    public string At(params ReadOnlySpan<string> parts) => Path.Combine([FullPath, .. parts]);

    /// <summary>Writes a text file, with the folders above it, and returns its path.</summary>
    public string Write(string name, string text)
    {
        var path = At(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    /// <inheritdoc/>
    public override string ToString() => FullPath;

    /// <inheritdoc/>
    public void Dispose()
    {
        // A database may hold a file for a moment after it was closed; a folder left in /tmp must not fail a test that passed.
        try
        {
            Directory.Delete(FullPath, recursive: true);
        }
        catch (IOException)
        {
        }
        catch (UnauthorizedAccessException)
        {
        }
    }
}
