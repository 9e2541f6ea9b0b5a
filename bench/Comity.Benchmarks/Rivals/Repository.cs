namespace Comity.Benchmarks.Rivals;

internal static class Repository
{
    /// <summary>The folder that holds the solution.</summary>
    public static string Root
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Comity.slnx"))) folder = folder.Parent;
            return folder?.FullName ?? throw new InvalidOperationException("Run the benchmarks from within the repository.");
        }
    }
}
