using System.Text.Json.Nodes;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>Masks and differential privacy over TLS between processes, as organisations run it.</summary>
public sealed class ProtectedNetworkTests : IDisposable
{
    private static readonly string[] Sites = ["north", "south", "west", "east"];
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Masked_rounds_against_a_coordinator_that_may_lie_survive_kills_with_the_bits_of_one_process()
    {
        Write("privacy: { secureAggregation: { adversary: lying-coordinator, maximalRows: 1000 } }");
        await using var federation = await FederationProcesses.StartAsync(_folder.FullPath, Sites);

        // Nobody has compared keys yet: each site says whose, and what to write where.
        var early = await federation.SubmitAsync("network.yaml");
        var refused = await federation.AuthorAsync("watch", early);
        Assert.Contains("partner-unconfirmed", refused.Error + refused.Output, StringComparison.Ordinal);

        var partners = string.Join(", ", Sites.Select(s => $"{s}: \"{federation.FingerprintOf(s)}\""));
        foreach (var site in Sites)
        {
            File.AppendAllText(_folder.At($"{site}.yaml"), $"partners: {{ {partners} }}\n");
            await federation.KillAndRestartAsync(site);
        }
        var id = await federation.SubmitAsync("network.yaml");
        var random = Seed.Of(12).For("kills").ToRandom();
        string[] victims = ["coordinator", .. Sites];
        for (var kill = 0; kill < 6; kill++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200 + (int)(1500 * random.NextDouble())));
            await federation.KillAndRestartAsync(victims[(int)(victims.Length * random.NextDouble())]);
        }
        await FinishedAsync(federation, id);
        var run = await Cli.RunAsync(_folder.FullPath, "run", "local.yaml", "--out", "local");
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Equal(RunFiles.Weights(_folder.At("local")), RunFiles.Weights(_folder.At("fetched")));
        Assert.Equal("lying-coordinator", (string?)RunFiles.Results(_folder.At("fetched"))["secureAggregation"]!["adversary"]);
    }

    [Fact]
    public async Task Noised_and_masked_updates_are_charged_at_every_site_and_stand_in_both_logs()
    {
        Write("privacy: { secureAggregation: { maximalRows: 1000 }, differentialPrivacy: { unit: record, epsilon: 6, delta: 1e-3, clip: 1, accountant: rdp } }");
        await using var federation = await FederationProcesses.StartAsync(_folder.FullPath, Sites);
        var id = await federation.SubmitAsync("network.yaml");
        await federation.KillAndRestartAsync("south");
        await federation.KillAndRestartAsync("coordinator");
        await FinishedAsync(federation, id);

        var results = RunFiles.Results(_folder.At("fetched"));
        Assert.Equal(Sites, results["privacy"]!.AsArray().Select(p => (string)p!["site"]!));
        Assert.All(results["privacy"]!.AsArray(), p =>
        {
            Assert.InRange((double)p!["epsilon"]!, 5.5, 6);
            Assert.False((bool?)p["seededNoise"] ?? false);
        });
        foreach (var site in Sites)
        {
            var fits = await Cli.RunAsync(_folder.FullPath, "audit", "reconcile", $"state-{site}", "coordinator", "--json");
            Assert.True(fits.ExitCode == 0, fits.ToString());
            var charges = Charges(_folder.At($"state-{site}", "audit.jsonl"), "update");
            Assert.Equal(4, charges.Count); // an update a round, each with its own cost
            Assert.All(charges, c => Assert.True(c > 0 && double.IsFinite(c)));
            Assert.True(File.Exists(_folder.At($"state-{site}", "ledger.sqlite")));
        }
        Assert.Equal(4 * Sites.Length, Charges(_folder.At("coordinator", "audit.jsonl"), "update").Count);

        // Real noise is drawn by nobody twice: the same study again is another model.
        var again = await federation.SubmitAsync("network.yaml");
        var first = RunFiles.Weights(_folder.At("fetched"));
        await FinishedAsync(federation, again);
        Assert.NotEqual(first.Single(w => w.Key.StartsWith("federated/masked", StringComparison.Ordinal)).Value, RunFiles.Weights(_folder.At("fetched")).Single(w => w.Key.StartsWith("federated/masked", StringComparison.Ordinal)).Value);
    }

    // One for each round: what was sent again after a kill stands there again.
    private static List<double> Charges(string log, string kind) => [.. File.ReadLines(log).Select(l => JsonNode.Parse(l)!).Where(e => (string?)e["kind"] == kind && e["charge"] is not null)
        .DistinctBy(e => (string?)e["sha256"]).Select(e => (double)e["charge"]!["epsilon"]!)];

    private async Task FinishedAsync(FederationProcesses federation, string id)
    {
        var watched = await federation.AuthorAsync("watch", id);
        Assert.True(watched.ExitCode == 0, watched + federation.Said());
        if (Directory.Exists(_folder.At("fetched"))) Directory.Delete(_folder.At("fetched"), recursive: true);
        var fetched = await federation.AuthorAsync("results", id, "--out", "fetched");
        Assert.True(fetched.ExitCode == 0, fetched.ToString());
    }

    private void Write(string privacy) => NetworkFiles.Write(_folder, Sites, $$"""
        split: { test: 0.3, validation: 0.2, stratify: label }
        preprocess: { missing: mean, scale: min-max }
        model: { kind: logistic }
        training: { optimizer: { kind: momentum, learningRate: 0.2 }, batch: 128, epochs: 4 }
        evaluation: { bootstrap: 100 }
        arms: [local, federated]
        federation: { name: masked, strategy: fedavg, rounds: 4 }
        {{privacy}}
        """);
}
