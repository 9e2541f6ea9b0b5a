namespace Comity.EndToEnd.Tests;

/// <summary>An empty folder that is deleted with its content.</summary>
internal sealed class WorkFolder : IDisposable
{
    public WorkFolder() => Root = Directory.CreateTempSubdirectory("comity-").FullName;

    public string Root { get; }

    public string this[string name] => Path.Combine(Root, name);

    public string Write(string name, string text)
    {
        var path = this[name];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Relative paths of all files below.</summary>
    public IReadOnlyList<string> Files(string below = "") =>
        [.. Directory.EnumerateFiles(this[below], "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(this[below], f)).Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        try { Directory.Delete(Root, recursive: true); }
        catch (IOException) { /* a process that was killed may hold a file for a moment; the system's temporary folder is cleaned anyway */ }
    }
}
