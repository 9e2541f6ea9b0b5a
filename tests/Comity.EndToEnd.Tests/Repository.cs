namespace Comity.EndToEnd.Tests;

/// <summary>Finds the repository's own files from the tests' output folder.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Comity.slnx"))) return folder.FullName;
        }
        throw new DirectoryNotFoundException($"No Comity.slnx above {AppContext.BaseDirectory}.");
    }
}
