using System.Text.RegularExpressions;
using Comity.Testing;

namespace Comity.Conventions.Tests.Documents;

/// <summary>What tests read from the project's own pages.</summary>
internal static partial class Markdown
{
    /// <summary>A page's text; <paramref name="path"/> is relative to the root.</summary>
    public static string Read(string path) => File.ReadAllText(Repository.At(path)).ReplaceLineEndings("\n");

    /// <summary>The lines of the <c>sh</c> fences, without comments.</summary>
    public static IReadOnlyList<string> Commands(string path) =>
        [.. Fences(path, "sh").SelectMany(f => f.Split('\n')).Select(l => l.TrimEnd()).Where(l => l.Length > 0 && !l.StartsWith('#'))];

    /// <summary>The contents of the fences of a language.</summary>
    public static IEnumerable<string> Fences(string path, string language) =>
        FencePattern().Matches(Read(path)).Where(m => m.Groups["language"].Value == language).Select(m => m.Groups["body"].Value);

    /// <summary>The targets of links and images outside of fences and code spans.</summary>
    public static IEnumerable<string> Links(string path) =>
        LinkPattern().Matches(WithoutCode(path)).Select(m => m.Groups["target"].Value);

    /// <summary>The anchors that the page's headings give, as GitHub makes them.</summary>
    public static IReadOnlySet<string> Anchors(string path) =>
        HeadingPattern().Matches(FencePattern().Replace(Read(path), "")).Select(m => Anchor(m.Groups["title"].Value)).ToHashSet(StringComparer.Ordinal);

    /// <summary>The cells of each row of the page's tables, header and rule left out.</summary>
    public static IEnumerable<string[]> Rows(string path)
    {
        var table = new List<string[]>();
        foreach (var line in Read(path).Split('\n').Append(""))
        {
            if (line.StartsWith('|'))
            {
                table.Add([.. CellPattern().Split(line.Trim().Trim('|')).Select(c => c.Trim())]);
                continue;
            }
            foreach (var row in table.Skip(2)) yield return row;
            table.Clear();
        }
    }

    private static string WithoutCode(string path) => CodeSpanPattern().Replace(FencePattern().Replace(CommentPattern().Replace(Read(path), ""), ""), "");

    private static string Anchor(string title) => string.Concat(title.Trim().ToLowerInvariant()
        .Where(c => char.IsLetterOrDigit(c) || c is '-' or '_' or ' ').Select(c => c == ' ' ? '-' : c));

    [GeneratedRegex(@"^[ \t]*```(?<language>[^\n`]*)\n(?<body>.*?)^[ \t]*```[ \t]*$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex FencePattern();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)(\s+""[^""]*"")?\)")]
    private static partial Regex LinkPattern();

    [GeneratedRegex(@"^#{1,6}\s+(?<title>.+)$", RegexOptions.Multiline)]
    private static partial Regex HeadingPattern();

    [GeneratedRegex(@"`[^`\n]*`")]
    private static partial Regex CodeSpanPattern();

    [GeneratedRegex(@"<!--.*?-->", RegexOptions.Singleline)]
    private static partial Regex CommentPattern();

    // A bar within a code span or after a backslash is text.
    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex CellPattern();
}
