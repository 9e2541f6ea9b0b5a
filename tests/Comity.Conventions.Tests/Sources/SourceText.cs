namespace Comity.Conventions.Tests.Sources;

/// <summary>C# source as lines of code: what a comment says breaks no rule.</summary>
internal static class SourceText
{
    /// <summary>Lines with comments blanked, numbered from 1.</summary>
    public static IEnumerable<(string Text, int Number)> CodeLines(string path)
    {
        var inBlock = false;
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            yield return (WithoutComments(line, ref inBlock), number);
        }
    }

    private static string WithoutComments(string line, ref bool inBlock)
    {
        var kept = new System.Text.StringBuilder();
        var inText = false;
        for (var i = 0; i < line.Length; i++)
        {
            var two = i + 1 < line.Length ? line.Substring(i, 2) : "";
            if (inBlock)
            {
                if (two == "*/") (inBlock, i) = (false, i + 1);
                continue;
            }
            if (!inText && two == "//") break;
            if (!inText && two == "/*")
            {
                (inBlock, i) = (true, i + 1);
                continue;
            }
            if (inText && line[i] == '\\')
            {
                kept.Append(two);
                i++;
                continue;
            }
            if (line[i] == '"') inText = !inText;
            kept.Append(line[i]);
        }
        return kept.ToString();
    }
}
