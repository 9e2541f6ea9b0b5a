using System.Text.RegularExpressions;
using Comity.Testing;

namespace Comity.Conventions.Tests.Documents;

/// <summary>A snippet on a room's page is the body of a test, to the letter.</summary>
public sealed partial class RoomPageTests
{
    private const string Source = "tests/Comity.Conventions.Tests/Documents/RoomSnippets.cs";

    [Fact]
    public void Every_snippet_of_a_page_has_run()
    {
        var shown = Repository.Files("docs/rooms", "*.md").Select(Repository.Relative)
            .SelectMany(p => Markdown.Fences(p, "csharp").Select(f => (Page: p, Text: f.TrimEnd('\n'))));
        var run = SnippetPattern().Matches(Markdown.Read(Source)).Select(m => (Page: m.Groups["page"].Value, Text: Dedent(m.Groups["body"].Value)));
        Assert.Equal(run.Order().ToList(), shown.Order().ToList());
    }

    [Fact]
    public void Every_room_has_a_page_that_says_what_it_must_never_do() => Findings.None(
        Repository.Files("docs/rooms", "*.md").Select(Repository.Relative)
            .Where(p => !Markdown.Read(p).Contains("\n## Never\n", StringComparison.Ordinal)).Select(p => $"{p} has no heading 'Never'"));

    private static string Dedent(string body)
    {
        var lines = body.TrimEnd().Split('\n');
        var margin = lines.Where(l => l.Length > 0).Min(l => l.Length - l.TrimStart().Length);
        return string.Join('\n', lines.Select(l => l.Length == 0 ? l : l[margin..]));
    }

    [GeneratedRegex(@"^[ ]*// snippet: (?<page>\S+)\n(?<body>.*?)^[ ]*// end$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex SnippetPattern();
}
