using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>A study over TLS between processes, as organisations run it.</summary>
public sealed class NetworkStudyTests : IDisposable
{
    private static readonly string[] Sites = ["north", "south", "west"];
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Three_sites_over_the_network_end_with_the_bits_of_one_process()
    {
        Write(rounds: 6);
        await using var federation = await FederationProcesses.StartAsync(_folder.FullPath, Sites);

        var watched = await federation.AuthorAsync("submit", "network.yaml", "--watch", "--to", federation.Address);
        Assert.True(watched.ExitCode == 0, watched + federation.Said());
        // From nothing to the first finished study: three sites run, three are approved, one study is handed in.
        Assert.Equal(7, federation.Typed);
        Assert.Contains("round 6 of 6", watched.Output, StringComparison.Ordinal);
        foreach (var site in Sites) Assert.Matches($"{site}  (seen [0-9]+ s ago|not seen yet)  [0-9.]+ .iB in, [0-9.]+ .iB out", watched.Output);

        var id = watched.Output.Split("Its id: ")[1].Split('\n')[0];
        var unknown = await federation.AuthorAsync("results", "nonsense", "--out", "fetched");
        Assert.Contains("study-unknown", unknown.Error, StringComparison.Ordinal);
        _folder.Write("fetched/results.json.unfinished", "{ what an earlier try left");
        var fetched = await federation.AuthorAsync("results", id, "--out", "fetched");
        Assert.True(fetched.ExitCode == 0, fetched.ToString());
        Assert.Equal(await LocalAsync(), RunFiles.Weights(_folder.At("fetched")));
        await UnionAsync();
        foreach (var file in new[] { "results.json", "report.html", "models/federated/average/model.safetensors", "models/federated/average/preprocessing.json", "models/federated/average/card.md" })
            Assert.True(File.Exists(_folder.At("fetched", file)), file);

        // One trace follows a round over all parties, in the log of each.
        var line = federation.ErrorOf("coordinator").Split('\n').First(l => l.Contains("round 6 of federated/average", StringComparison.Ordinal));
        var trace = System.Text.RegularExpressions.Regex.Match(line, "\"TraceId\":\"([0-9a-f]{32})\"").Groups[1].Value;
        Assert.Equal(32, trace.Length);
        foreach (var site in Sites)
        {
            var answered = File.ReadLines(_folder.At(site + ".jsonl")).Select(l => System.Text.Json.Nodes.JsonNode.Parse(l)!).Where(l => (string?)l["TraceId"] == trace && (string?)l["Event"] == "task-answered").ToList();
            Assert.Equal(("Round", "yes"), ((string?)Assert.Single(answered)["Task"], (string?)answered[0]["Taken"]));
        }

        // What must stay at home has stayed: predictions and the sites' own models.
        Assert.False(File.Exists(_folder.At("fetched", "predictions.csv")));
        Assert.False(Directory.Exists(_folder.At("fetched", "models/local")));
        Assert.Empty(Directory.EnumerateFiles(_folder.At("coordinator"), "*local*", SearchOption.AllDirectories));
        await AuditsFitAsync();
        var applied = await Cli.RunAsync(_folder.FullPath, "predict", "fetched/models/federated/average", "--input", "north.csv", "--output", "predicted.csv");
        Assert.True(applied.ExitCode == 0, applied.ToString());

        // What came of it can be released, judged as the sites reported it.
        var released = await federation.AuthorAsync("release", "fetched", "--model", "federated/average", "--name", "network", "--version", "1.0.0");
        Assert.True(released.ExitCode == 0, released.ToString());
        var shown = System.Text.Json.Nodes.JsonNode.Parse((await federation.AuthorAsync("release", "show", "network-1.0.0.comity", "--json")).Output)!;
        Assert.All(shown["markets"]!.AsArray(), m => Assert.True((int)m!["testRows"]! > 0 && (double)m["metrics"]!["accuracy"]!["value"]! > 0.5));

        // Who leaves afterwards is told what stays, and keeps nothing.
        var mistyped = await Cli.RunAsync(_folder.FullPath, "site", "withdraw", "smalll", "--config", "west.yaml", "--lang", "en");
        Assert.Equal(2, mistyped.ExitCode);
        Assert.Contains("[withdraw-unknown]", mistyped.Error, StringComparison.Ordinal);
        Assert.Contains(id, mistyped.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.At("state-west", "withdrawn")));
        var left = await Cli.RunAsync(_folder.FullPath, "site", "withdraw", "small", "--config", "west.yaml", "--lang", "en"); // a name that one study has
        Assert.True(left.ExitCode == 0, left.ToString());
        Assert.Contains("federated/average, repeat 1: this site’s updates counted in 6 rounds (the last one 6)", left.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.At("state-west", "studies", id)));
        Assert.True(File.Exists(_folder.At("state-west", "withdrawn", id + ".json")));
    }

    [Fact]
    public async Task A_site_sends_numbers_and_traces_to_its_owners_collector_and_no_secret()
    {
        Write(rounds: 2);
        using var collector = new OtlpCollector();
        await using var federation = await FederationProcesses.StartAsync(_folder.FullPath, Sites);
        await federation.EndAsync("west");
        federation.StartSite("west", "--otlp", collector.Address);
        var watched = await federation.AuthorAsync("submit", "network.yaml", "--watch", "--to", federation.Address);
        Assert.True(watched.ExitCode == 0, watched + federation.Said());
        Assert.Equal(130, (await federation.EndAsync("west")).ExitCode);

        var (paths, text) = await collector.EndAsync();
        foreach (var path in new[] { "/v1/metrics", "/v1/traces" }) Assert.Contains(path, paths);
        foreach (var name in new[] { "comity-site", "comity.site.tasks", "comity.site", "west", "Round", "Done" }) Assert.Contains(name, text, StringComparison.Ordinal);
        // The trace of a round is the one in the coordinator's log.
        var line = federation.ErrorOf("coordinator").Split('\n').First(l => l.Contains("round 2 of federated/average", StringComparison.Ordinal));
        var trace = System.Text.RegularExpressions.Regex.Match(line, "\"TraceId\":\"([0-9a-f]{32})\"").Groups[1].Value;
        Assert.Contains(System.Text.Encoding.Latin1.GetString(Convert.FromHexString(trace)), text, StringComparison.Ordinal);
        Assert.DoesNotContain(File.ReadAllLines(_folder.At("state-west", "site.key"))[1], text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Killed_at_random_moments_coordinator_and_sites_go_on_by_themselves_to_the_same_bits()
    {
        Write(rounds: 12);
        await using var federation = await FederationProcesses.StartAsync(_folder.FullPath, Sites);
        var id = await federation.SubmitAsync("network.yaml");

        var random = Seed.Of(11).For("kills").ToRandom();
        string[] victims = ["coordinator", .. Sites];
        for (var kill = 0; kill < 6; kill++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200 + (int)(1800 * random.NextDouble())));
            await federation.KillAndRestartAsync(victims[(int)(victims.Length * random.NextDouble())]);
        }
        var watched = await federation.AuthorAsync("watch", id);
        Assert.True(watched.ExitCode == 0, watched + federation.Said());

        var fetched = await federation.AuthorAsync("results", id, "--out", "fetched");
        Assert.True(fetched.ExitCode == 0, fetched.ToString());
        await AuditsFitAsync();
        Assert.Equal(await LocalAsync(), RunFiles.Weights(_folder.At("fetched")));
    }

    [Fact]
    public async Task A_sites_policy_bars_a_column_and_a_person_says_yes_after_seeing_what_would_leave()
    {
        Write(rounds: 2);
        // North keeps a column to itself, which the study only parts rows by; south has a person look at each study.
        var study = File.ReadAllText(_folder.At("network.yaml"))
            .Replace("    - { column: ward, kind: category, values: [a, b, c] }\n", "", StringComparison.Ordinal).Replace("stratify: label", "stratify: [label, ward]", StringComparison.Ordinal);
        Assert.Contains("[label, ward]", study, StringComparison.Ordinal);
        Assert.DoesNotContain("column: ward", study, StringComparison.Ordinal);
        _folder.Write("network.yaml", study);
        _folder.Write("north-policy.yaml", "barredColumns: [ward]\n");
        _folder.Write("south-policy.yaml", "approval: true\nauthors: [ann]\n");
        foreach (var site in new[] { "north", "south" }) File.AppendAllText(_folder.At($"{site}.yaml"), $"policyFile: {site}-policy.yaml\n");
        File.AppendAllText(_folder.At("network.yaml"), "author: ann\n");
        await using var federation = await FederationProcesses.StartAsync(_folder.FullPath, Sites);

        var id = await federation.SubmitAsync("network.yaml");
        var refused = await federation.AuthorAsync("watch", id);
        Assert.Contains("asks for the column 'ward'", refused.Error, StringComparison.Ordinal);
        Assert.Contains("a person has to approve", refused.Error, StringComparison.Ordinal);

        var waiting = await Cli.RunAsync(_folder.FullPath, "site", "approve", "--config", "south.yaml");
        Assert.Contains("small", waiting.Output, StringComparison.Ordinal);
        var shown = await Cli.RunAsync(_folder.FullPath, "site", "approve", "small", "--config", "south.yaml");
        Assert.Contains("in each of 2 rounds", shown.Output, StringComparison.Ordinal);
        Assert.Contains("every record", shown.Output, StringComparison.Ordinal);
        Assert.Contains("Read besides, to put rows in order or into parts: ward", shown.Output, StringComparison.Ordinal);
        var approved = await Cli.RunAsync(_folder.FullPath, "site", "approve", "small", "--yes", "--config", "south.yaml");
        Assert.True(approved.ExitCode == 0, approved.ToString());

        var again = await federation.AuthorAsync("resume", id);
        Assert.True(again.ExitCode == 0, again.ToString());
        var still = await federation.AuthorAsync("watch", id);
        Assert.Contains("asks for the column 'ward'", still.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("a person has to approve", still.Error, StringComparison.Ordinal);
        Assert.Contains("\"rule\":\"south-policy.yaml@", await File.ReadAllTextAsync(_folder.At("state-south", "audit.jsonl")), StringComparison.Ordinal);
    }

    // Nobody held all rows: their AUC together comes from the sites' histograms, near that of the rows, and is called approximate.
    private async Task UnionAsync()
    {
        async Task<System.Text.Json.Nodes.JsonNode> Together(string folder) => System.Text.Json.Nodes.JsonNode.Parse(await File.ReadAllTextAsync(_folder.At(folder, "results.json")))!["evaluation"]!.AsArray()
            .Single(e => (string)e!["site"]! == "*" && (string)e["split"]! == "test" && (string)e["model"]! == "federated/average")!;
        var (merged, exact) = (await Together("fetched"), await Together("local"));
        Assert.Equal(("merged", "exact"), ((string)merged["release"]!, (string)exact["release"]!));
        Assert.Equal((int)exact["result"]!["rows"]!, (int)merged["result"]!["rows"]!);
        static double Area(System.Text.Json.Nodes.JsonNode of) => (double)of["result"]!["metrics"]!["rocAuc"]!["value"]!;
        Assert.Equal(Area(exact), Area(merged), 0.05);
        Assert.Contains("All test rows (approximate)", await File.ReadAllTextAsync(_folder.At("fetched", "report.html")), StringComparison.Ordinal);
        Assert.DoesNotContain("(approximate)", await File.ReadAllTextAsync(_folder.At("local", "report.html")), StringComparison.Ordinal);
        // No curve that left a site tells of fewer than 10 rows.
        var evaluation = System.Text.Json.Nodes.JsonNode.Parse(await File.ReadAllTextAsync(_folder.At("fetched", "results.json")))!["evaluation"]!.AsArray();
        foreach (var curve in evaluation.Where(e => (string)e!["site"]! != "*").Select(e => e!["result"]!["roc"]!.AsArray().Select(p => (int)p!["rows"]!).ToList()))
            Assert.All(curve.Zip(curve.Skip(1)), step => Assert.True(step.Second - step.First >= 10));
    }

    // Every update left a site and arrived at the coordinator, and each countersigned the other's log, whatever was killed in between.
    private async Task AuditsFitAsync()
    {
        foreach (var site in Sites)
        {
            var fits = await Cli.RunAsync(_folder.FullPath, "audit", "reconcile", $"state-{site}", "coordinator", "--json");
            Assert.True(fits.ExitCode == 0, fits.ToString());
            var found = System.Text.Json.Nodes.JsonNode.Parse(fits.Output)!;
            Assert.True((int)found["matched"]! > 20 && (int)found["countersigned"]! > 20, fits.ToString());
            Assert.Contains("\"kind\":\"update\"", await File.ReadAllTextAsync(_folder.At($"state-{site}", "audit.jsonl")), StringComparison.Ordinal);
        }
    }

    private async Task<IReadOnlyDictionary<string, string>> LocalAsync()
    {
        var run = await Cli.RunAsync(_folder.FullPath, "run", "local.yaml", "--out", "local");
        Assert.True(run.ExitCode == 0, run.ToString());
        return RunFiles.Weights(_folder.At("local"));
    }

    private void Write(int rounds) => NetworkFiles.Write(_folder, Sites, $$"""
        split: { test: 0.3, validation: 0.2, stratify: label }
        preprocess: { missing: median, scale: standard }
        model: { kind: mlp, hidden: [8] }
        training: { optimizer: { kind: adam, learningRate: 0.01 }, batch: 16, epochs: 10 }
        evaluation: { bootstrap: 100 }
        arms: [local, federated]
        federations:
          - { name: average, strategy: fedavg, rounds: {{rounds}} }
          - { name: tuned, strategy: scaffold, rounds: {{rounds}}, training: { optimizer: { kind: sgd, learningRate: 0.05 } }, personalise: { kind: fine-tune, epochs: 2 } }
        """);
}
