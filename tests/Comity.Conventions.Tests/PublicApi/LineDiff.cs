namespace Comity.Conventions.Tests.PublicApi;

/// <summary>The lines that went and came, each after the namespace or type that it belongs to.</summary>
internal static class LineDiff
{
    /// <summary>A diff by longest common subsequence of lines.</summary>
    public static string Between(string before, string after)
    {
        var (a, b) = (before.Split('\n'), after.Split('\n'));
        var length = new int[a.Length + 1, b.Length + 1];
        for (var i = a.Length - 1; i >= 0; i--)
            for (var j = b.Length - 1; j >= 0; j--)
                length[i, j] = a[i] == b[j] ? length[i + 1, j + 1] + 1 : Math.Max(length[i + 1, j], length[i, j + 1]);

        var lines = new List<string>();
        for (int i = 0, j = 0; i < a.Length || j < b.Length;)
        {
            if (i < a.Length && j < b.Length && a[i] == b[j])
            {
                // A header names the place of the changes below it; the latest of each depth is enough.
                if (a[i].Length > 0 && IsHeader(a[i])) Replace(lines, "  " + a[i]);
                (i, j) = (i + 1, j + 1);
            }
            else if (j < b.Length && (i == a.Length || length[i, j + 1] > length[i + 1, j])) lines.Add("+ " + b[j++]);
            else lines.Add("- " + a[i++]);
        }
        while (lines.Count > 0 && lines[^1].StartsWith("  ", StringComparison.Ordinal)) lines.RemoveAt(lines.Count - 1);
        return string.Join('\n', lines) + "\n";
    }

    private static bool IsHeader(string line) => !line.EndsWith(')') && !line.EndsWith('}') && !line.Contains(" = ", StringComparison.Ordinal);

    private static void Replace(List<string> lines, string header)
    {
        while (lines.Count > 0 && lines[^1].StartsWith("  ", StringComparison.Ordinal) && Depth(lines[^1]) >= Depth(header)) lines.RemoveAt(lines.Count - 1);
        lines.Add(header);
    }

    private static int Depth(string line) => line.Length - line.TrimStart().Length;
}
