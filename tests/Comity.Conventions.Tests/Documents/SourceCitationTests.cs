using System.Text.RegularExpressions;
using Comity.Testing;

namespace Comity.Conventions.Tests.Documents;

/// <summary>A comment that sends its reader to a page sends him to one that exists.</summary>
public sealed partial class SourceCitationTests
{
    [Fact]
    public void Every_page_that_the_code_cites_exists() => Findings.None(
        new[] { "src", "apps", "tests", "bench" }.SelectMany(f => Repository.Files(f, "*.cs").Concat(Repository.Files(f, "*.razor")))
            .SelectMany(f => PagePattern().Matches(File.ReadAllText(f)).Select(m => (File: Repository.Relative(f), Page: m.Value)))
            .Where(c => !File.Exists(Repository.At(c.Page)))
            .Select(c => $"{c.File}: {c.Page} is not there"));

    [GeneratedRegex(@"\bdocs/[\w./-]+\.md\b")]
    private static partial Regex PagePattern();
}
