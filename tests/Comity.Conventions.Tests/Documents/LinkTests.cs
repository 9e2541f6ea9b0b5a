using Comity.Testing;

namespace Comity.Conventions.Tests.Documents;

public sealed class LinkTests
{
    private static IEnumerable<string> Pages() =>
        Repository.Files(".", "*.md").Select(Repository.Relative);

    [Fact]
    public void Every_link_within_the_project_leads_somewhere()
    {
        var broken = new List<string>();
        var followed = 0;
        foreach (var page in Pages())
        {
            foreach (var link in Markdown.Links(page))
            {
                if (link.Contains("://", StringComparison.Ordinal) || link.StartsWith("mailto:", StringComparison.Ordinal)) continue;
                followed++;
                var parts = link.Split('#', 2);
                var target = parts[0].Length == 0 ? page : Repository.Relative(Path.Combine(Path.GetDirectoryName(Repository.At(page))!, Uri.UnescapeDataString(parts[0])));
                var full = Repository.At(target);
                if (!File.Exists(full) && !Directory.Exists(full)) broken.Add($"{page}: {link} (no {target})");
                else if (parts.Length == 2 && target.EndsWith(".md", StringComparison.Ordinal) && !Markdown.Anchors(target).Contains(Uri.UnescapeDataString(parts[1])))
                    broken.Add($"{page}: {link} (no such heading)");
            }
        }
        Findings.None(broken);
        Assert.NotEqual(0, followed);
    }

    [Fact]
    public void Every_page_of_docs_can_be_reached_from_its_index()
    {
        var reached = new SortedSet<string>(StringComparer.Ordinal) { "docs/README.md" };
        var next = new Queue<string>(reached);
        while (next.TryDequeue(out var page))
        {
            foreach (var link in Markdown.Links(page).Where(l => !l.Contains("://", StringComparison.Ordinal)))
            {
                var target = Repository.Relative(Path.Combine(Path.GetDirectoryName(Repository.At(page))!, link.Split('#')[0]));
                if (target.EndsWith(".md", StringComparison.Ordinal) && File.Exists(Repository.At(target)) && reached.Add(target)) next.Enqueue(target);
            }
        }
        Findings.None(Pages().Where(p => p.StartsWith("docs/", StringComparison.Ordinal)).Except(reached).Select(p => $"{p} is linked from nowhere"));
    }
}
