using Comity.Data.Sources;

namespace Comity.Cli.Commands;

/// <summary>What <c>comity predict --input</c> names: a CSV file, an image or a recording, a folder or archive of them, an IDX file of images, or sentences a token a line.</summary>
internal static class PredictionSource
{
    public static SourceSection Of(string path, IReadOnlyList<string> header)
    {
        if (Directory.Exists(path) || EndsWith(path, ".tar", ".tar.gz", ".tgz")) return new SourceSection { Files = path };
        if (EndsWith(path, ".png", ".wav")) return new SourceSection { Files = Path.GetDirectoryName(path), Pattern = Path.GetFileName(path) };
        if (EndsWith(path, ".conll", ".conll.gz", ".bio", ".iob2")) return new SourceSection { Conll = path };
        return EndsWith(path, "-ubyte", "-ubyte.gz", ".idx", ".idx.gz") ? new SourceSection { Idx = new IdxSection { Images = path, Labels = "" } } : new SourceSection { Csv = path, Header = header };
    }

    private static bool EndsWith(string path, params ReadOnlySpan<string> endings)
    {
        foreach (var ending in endings)
            if (path.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }
}
