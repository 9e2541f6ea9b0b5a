using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>What the people at a site see of it: the page of what left, and a budget that refuses a study.</summary>
public sealed class SiteOwnerTests : IDisposable
{
    private static readonly string[] Sites = ["north", "south"];
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_sites_page_shows_what_left_it_and_its_cost_and_a_study_beyond_its_budget_is_refused_with_what_would_fit()
    {
        NetworkFiles.Write(_folder, Sites, """
            split: { test: 0.3, validation: 0.2, stratify: label }
            preprocess: { missing: mean, scale: min-max }
            model: { kind: logistic }
            training: { optimizer: { kind: momentum, learningRate: 0.2 }, batch: 128, epochs: 4 }
            evaluation: { bootstrap: 100 }
            arms: [local, federated]
            federation: { name: noised, strategy: scaffold, rounds: 4, optimizerState: kept }
            privacy: { differentialPrivacy: { unit: record, epsilon: 6, delta: 1e-3, clip: 1, accountant: rdp } }
            """);
        var site = File.ReadAllText(_folder.At("north.yaml")).Replace("- source:", "- name: clinic\n    source:", StringComparison.Ordinal);
        Assert.Contains("clinic", site, StringComparison.Ordinal);
        _folder.Write("north.yaml", site);
        var budget = await Cli.RunAsync(_folder.FullPath, "privacy", "budget", "state-north/ledger.sqlite", "--data-set", "clinic", "--epsilon", "7", "--delta", "1e-3");
        Assert.True(budget.ExitCode == 0, budget.ToString());

        await using var federation = await FederationProcesses.StartAsync(_folder.FullPath, Sites);
        var first = await federation.SubmitAsync("network.yaml");
        var watched = await federation.AuthorAsync("watch", first);
        Assert.True(watched.ExitCode == 0, watched + federation.Said());
        var fetched = await federation.AuthorAsync("results", first, "--out", "fetched");
        Assert.True(fetched.ExitCode == 0, fetched.ToString());
        var told = RunFiles.Results(_folder.At("fetched"))["privacy"]!.AsArray().Single(p => (string)p!["site"]! == "north")!;

        // The page beside the log and the ledger that it is made from.
        var log = _folder.At("state-north", "audit.jsonl");
        var page = await PageAsync(exitCode: 0);
        var shown = LeftOnPage.Read(page);
        Assert.Equal(LeftOnPage.OfLog(log, e => (string)e["study"]!).OrderBy(l => l.ToString(), StringComparer.Ordinal), shown.OrderBy(l => l.ToString(), StringComparer.Ordinal));
        var updates = Assert.Single(shown, l => l.Kind == "Model updates");
        Assert.Equal((4, 4), (updates.Times, updates.Charged));
        Assert.DoesNotContain(shown, l => l.Kind is "Records" or "Predictions row by row" or "Models that the site trained alone");
        var cost = Assert.Single(Costs(page));
        Assert.Equal(["small", "clinic", "5"], cost[..3]); // one step of statistics, four rounds
        // By the study's own accountant; loss distributions would say 5.4.
        Assert.Equal("rdp", (string?)told["accountant"]);
        Assert.InRange(double.Parse(cost[3], CultureInfo.InvariantCulture) - (double)told["epsilon"]!, 0, 0.001);
        Assert.InRange((double)told["epsilon"]!, 5.9, 6);
        Assert.DoesNotContain("no evidence", page, StringComparison.Ordinal);

        // Twice as much is not there: the author and the site's own people are told what would fit, and nothing is released.
        var second = await federation.SubmitAsync("network.yaml");
        var refused = await federation.AuthorAsync("watch", second);
        Assert.NotEqual(0, refused.ExitCode);
        var said = refused.Output + refused.Error;
        Assert.True(said.Contains("its budget allows 7", StringComparison.Ordinal), said);
        Assert.Matches(@"About \d+ % of its releases would fit", said);
        Assert.True(await federation.ComplainsAsync("north", "of its releases would fit"), federation.Said());
        Assert.Equal(cost, Assert.Single(Costs(await PageAsync(exitCode: 0))));
        Assert.DoesNotContain(Lines(log), e => (string?)e["study"] == second && (string)e["direction"]! == "out" && (string)e["kind"]! is not ("join" or "refusal"));

        // What would fit does.
        _folder.Write("network.yaml", File.ReadAllText(_folder.At("network.yaml")).Replace("epsilon: 6", "epsilon: 0.5", StringComparison.Ordinal));
        var smaller = await federation.AuthorAsync("watch", await federation.SubmitAsync("network.yaml"));
        Assert.True(smaller.ExitCode == 0, smaller + federation.Said());

        // A log that somebody edited is shown, and said to be no evidence.
        await federation.StopAsync("north");
        var lines = await File.ReadAllLinesAsync(log, TestContext.Current.CancellationToken);
        var edited = Array.FindIndex(lines, l => l.Contains("\"kind\":\"update\"", StringComparison.Ordinal));
        lines[edited] = lines[edited].Replace("\"round\":", "\"round\":1", StringComparison.Ordinal);
        await File.WriteAllTextAsync(log, string.Join('\n', lines) + "\n", TestContext.Current.CancellationToken);
        Assert.Contains("no evidence", await PageAsync(exitCode: 8), StringComparison.OrdinalIgnoreCase);
    }

    private async Task<string> PageAsync(int exitCode)
    {
        var made = await Cli.RunAsync(_folder.FullPath, "site", "left", "--config", "north.yaml", "--html", "north.html");
        Assert.True(made.ExitCode == exitCode, made.ToString());
        return await File.ReadAllTextAsync(_folder.At("north.html"), TestContext.Current.CancellationToken);
    }

    private static List<List<string>> Costs(string page) => [.. XDocument.Parse(page).Descendants().Single(e => e.Name.LocalName == "section" && (string?)e.Attribute("id") == "cost")
        .Descendants().First(e => e.Name.LocalName == "tbody").Elements().Select(row => row.Elements().Select(c => c.Value.Trim()).ToList())];

    private static IEnumerable<JsonNode> Lines(string log) => File.ReadLines(log).Select(l => JsonNode.Parse(l)!);
}
