namespace Comity.Testing;

/// <summary>The source tree that the running tests were built from.</summary>
public static class Repository
{
    /// <summary>The folder that holds <c>Comity.slnx</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>An absolute path below the root; <paramref name="path"/> is written with forward slashes.</summary>
    public static string At(string path) => Path.GetFullPath(Path.Combine(Root, path));

    /// <summary>Source files below a folder of the root, build output left out, in ordinal order.</summary>
    public static IReadOnlyList<string> Files(string folder, string pattern)
    {
        var start = At(folder);
        if (!Directory.Exists(start)) return [];
        return
        [
            .. Directory.EnumerateFiles(start, pattern, SearchOption.AllDirectories)
                .Where(f => !Relative(f).Split('/').Any(part => part is "bin" or "obj" or ".git" or "runs" or "node_modules" or "TestResults"))
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>The path from the root, with forward slashes.</summary>
    public static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Comity.slnx"))) return folder.FullName;
        }
        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds Comity.slnx.");
    }
}
