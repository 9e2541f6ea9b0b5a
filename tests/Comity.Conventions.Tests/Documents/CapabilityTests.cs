using System.Text.RegularExpressions;
using Comity.Testing;

namespace Comity.Conventions.Tests.Documents;

/// <summary>docs/capabilities.md names everything Comity is to do, and claims nothing that is not there.</summary>
public sealed partial class CapabilityTests
{
    private const string Page = "docs/capabilities.md";

    private static readonly (char Letter, int Count)[] Ids = [('P', 7), ('T', 9), ('J', 7), ('S', 7), ('R', 7), ('V', 11), ('U', 5)];

    private sealed record Capability(string Id, string What, string Command, string Test, string Status);

    private static List<Capability> Rows() => [.. Markdown.Rows(Page).Where(r => r.Length == 5).Select(r => new Capability(r[0], r[1], r[2], r[3], r[4]))];

    [Fact]
    public void There_is_one_row_for_each_capability_in_order() =>
        Assert.Equal(Ids.SelectMany(i => Enumerable.Range(1, i.Count).Select(n => $"{i.Letter}{n}")), Rows().Select(r => r.Id));

    [Fact]
    public void A_row_says_what_and_has_a_known_status()
    {
        var findings = Rows().Where(r => r.What.Length < 10 || r.Status is not ("works" or "part" or "not yet")).Select(r => $"{r.Id}: '{r.What}', status '{r.Status}'");
        Findings.None(findings);
    }

    [Fact]
    public void What_works_names_a_test_and_what_does_not_yet_work_claims_none()
    {
        var findings = new List<string>();
        foreach (var row in Rows())
        {
            var proven = TestLink().IsMatch(row.Test);
            if (row.Status is "works" or "part" && !proven) findings.Add($"{row.Id} is '{row.Status}' without a test that proves it");
            if (row.Status == "works" && !CodeSpan().IsMatch(row.Command)) findings.Add($"{row.Id} works, but no command shows it");
            if (row.Status == "not yet" && (proven || CodeSpan().IsMatch(row.Command))) findings.Add($"{row.Id} is 'not yet' and names a command or test");
        }
        Findings.None(findings);
    }

    [Fact]
    public void Every_test_that_a_row_cites_exists()
    {
        var findings = new List<string>();
        foreach (var row in Rows())
        {
            foreach (Match link in TestLink().Matches(row.Test))
            {
                var file = Repository.At("docs/" + link.Groups["path"].Value);
                var source = File.Exists(file) ? File.ReadAllText(file) : "";
                if (!source.Contains("[Fact", StringComparison.Ordinal) && !source.Contains("[Theory", StringComparison.Ordinal))
                    findings.Add($"{row.Id}: {link.Groups["path"].Value} holds no test");
                else if (!source.Contains($"class {link.Groups["name"].Value}", StringComparison.Ordinal))
                    findings.Add($"{row.Id}: {link.Groups["path"].Value} has no class {link.Groups["name"].Value}");
            }
        }
        Findings.None(findings);
    }

    [Fact]
    public async Task Every_command_that_a_row_cites_exists()
    {
        var findings = new List<string>();
        var known = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var (id, command) in Rows().SelectMany(r => CodeSpan().Matches(r.Command).Select(m => (r.Id, m.Groups["code"].Value))))
        {
            var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[0] == "dotnet")
            {
                findings.AddRange(words.Where(w => w.Contains('/', StringComparison.Ordinal) && !Path.Exists(Repository.At(w))).Select(w => $"{id}: {w} is not there"));
                continue;
            }
            Assert.Equal("comity", words[0]);
            var verbs = words.Skip(1).TakeWhile(w => VerbPattern().IsMatch(w)).ToArray();
            var path = string.Join(' ', verbs);
            if (!known.TryGetValue(path, out var exists)) known[path] = exists = await CommandExistsAsync(verbs);
            if (!exists) findings.Add($"{id}: there is no command 'comity {path}'");
            findings.AddRange(words.Where(w => w.StartsWith("examples/", StringComparison.Ordinal) && !Path.Exists(Repository.At(w))).Select(w => $"{id}: {w} is not there"));
        }
        Findings.None(findings);
    }

    // An unknown command falls back to its parent's help, whose usage line does not name it.
    private static async Task<bool> CommandExistsAsync(string[] verbs)
    {
        var help = await CommandProcess.RunComityAsync([.. verbs, "--help", "--lang", "en"], TimeSpan.FromSeconds(60));
        return help.ExitCode == 0 && help.Output.Contains("comity " + string.Join(' ', verbs), StringComparison.Ordinal)
            && UsageLine().Match(help.Output) is { Success: true } usage && usage.Value.Contains(string.Join(' ', verbs), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\[(?<name>\w+)\]\((?<path>\.\./tests/[^)#]+\.cs)\)")]
    private static partial Regex TestLink();

    [GeneratedRegex(@"`(?<code>[^`]+)`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex("^[a-z]+$")]
    private static partial Regex VerbPattern();

    [GeneratedRegex(@"^\s+comity .*$", RegexOptions.Multiline)]
    private static partial Regex UsageLine();
}
