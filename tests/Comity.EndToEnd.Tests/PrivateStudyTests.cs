using System.Text.Json.Nodes;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>Studies that promise differential privacy of records, from the study file to the ledger.</summary>
public sealed class PrivateStudyTests
{
    internal static string Private(string text) => text
        .Replace("{ column: dose, kind: number }", "{ column: dose, kind: number, range: [-4, 10] }", StringComparison.Ordinal)
        .Replace("missing: median, scale: standard", "missing: mean, scale: min-max", StringComparison.Ordinal)
        .Replace("arms: [local, partner, pooled, federated]", "arms: [local, federated]", StringComparison.Ordinal)
        .Replace("repeats: 2", "privacy: { differentialPrivacy: { epsilon: 6, delta: 1e-4, clip: 1 } }", StringComparison.Ordinal)
        .Replace("  - { name: average, strategy: fedavg, rounds: 8 }", "  - { name: average, strategy: fedavg, rounds: 200 }", StringComparison.Ordinal);

    [Fact]
    public async Task Four_hospitals_keep_their_promise_and_the_ledger_shows_it()
    {
        TestData.Folder("heart-disease");
        using var folder = new TempFolder();
        var run = await Cli.RunAsync(Repository.Root, "run", "examples/heart-disease/private.yaml", "--out", folder.At("out"));
        Assert.True(run.ExitCode == 0, run.ToString());
        var results = RunFiles.Results(folder.At("out"));
        var spent = results["privacy"]!.AsArray().ToDictionary(p => (string)p!["site"]!, p => (double)p!["epsilon"]!);
        Assert.Equal(4, spent.Count);
        Assert.All(spent.Values, epsilon => Assert.InRange(epsilon, 4.9, 5));
        Assert.All(results["history"]!.AsArray().Where(h => ((string)h!["model"]!).StartsWith("federated", StringComparison.Ordinal)), h => Assert.Null(h!["loss"]));
        var score = results["summary"]!.AsArray().Single(s => (string)s!["model"]! == "federated/private" && (string)s["site"]! == "*" && (string)s["metric"]! == "rocAuc");
        Assert.True((double)score!["mean"]! > 0.84, $"AUC {score["mean"]}");
        Assert.Contains("with or without any one training record", await File.ReadAllTextAsync(folder.At("out", "report.html"), TestContext.Current.CancellationToken), StringComparison.Ordinal);

        var ledger = await Cli.RunAsync(folder.FullPath, "privacy", "ledger", "out", "--delta", "1e-4", "--json");
        Assert.True(ledger.ExitCode == 0, ledger.ToString());
        var accounts = JsonNode.Parse(ledger.Output)!["accounts"]!.AsArray();
        Assert.All(accounts, a =>
        {
            Assert.Equal(spent[(string)a!["site"]!], (double)a["epsilon"]!, 1e-6);
            Assert.Equal(31, (long)a["answers"]!); // one step of statistics, thirty rounds
            Assert.Equal("pld", (string?)a["accountant"]);
            Assert.False((bool)a["open"]!);
        });
        var shown = await Cli.RunAsync(folder.FullPath, "privacy", "ledger", "out");
        Assert.Contains("cleveland", shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Killed_without_warning_and_resumed_a_run_charges_each_answer_once_and_ends_with_the_same_bits()
    {
        using var study = new SmallStudy(study: Private);
        var whole = await Cli.RunAsync(study.Folder, "run", ".", "--out", "whole");
        Assert.True(whole.ExitCode == 0, whole.ToString());

        string[] resume = [];
        foreach (var progress in new[] { " 2 %", " 30 %", " 60 %" })
        {
            await using var process = Cli.Start(study.Folder, ["run", ".", "--out", "killed", .. resume]);
            Assert.True(await process.WaitUntilAsync(p => p.Output.Contains('%', StringComparison.Ordinal) && Percent(p.Output) >= int.Parse(progress[1..3], System.Globalization.CultureInfo.InvariantCulture), TimeSpan.FromMinutes(4)), process.Error);
            process.Kill();
            await process.EndAsync();
            resume = ["--resume"];
        }
        var ended = await Cli.RunAsync(study.Folder, ["run", ".", "--out", "killed", "--resume"]);
        Assert.True(ended.ExitCode == 0, ended.ToString());

        static IEnumerable<string> Bits(JsonNode results) => results["models"]!.AsArray().Select(m => $"{m!["id"]} {m["weightsSha256"]}");
        Assert.Equal(Bits(RunFiles.Results(study.At("whole"))), Bits(RunFiles.Results(study.At("killed"))));
        var (first, second) = (await LedgerAsync(study, "whole"), await LedgerAsync(study, "killed"));
        Assert.Equal(first, second);
        Assert.All(second, line => Assert.EndsWith("answers 209", line, StringComparison.Ordinal)); // statistics, 200 rounds and 8
    }

    [Fact]
    public async Task A_lifetime_budget_is_set_and_refuses_the_study_that_would_pass_it()
    {
        using var study = new SmallStudy(study: Private);
        var set = await Cli.RunAsync(study.Folder, "privacy", "budget", "clinic.ledger", "--data-set", "north", "--epsilon", "8", "--delta", "1e-4");
        Assert.True(set.ExitCode == 0, set.ToString());
        var first = await Cli.RunAsync(study.Folder, "run", ".", "--out", "first", "--ledger", "clinic.ledger");
        Assert.True(first.ExitCode == 0, first.ToString());
        var second = await Cli.RunAsync(study.Folder, "run", ".", "--out", "second", "--ledger", "clinic.ledger", "--seed", "4");
        Assert.True(second.ExitCode == 3, second.ToString());
        Assert.Contains("north", second.Error, StringComparison.Ordinal);
        Assert.Contains("% of its releases would fit", second.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(study.At("second", "results.json")));

        var none = await Cli.RunAsync(study.Folder, "privacy", "budget", "clinic.ledger", "--epsilon", "0", "--delta", "2");
        Assert.Equal(2, none.ExitCode);
        Assert.Contains("--data-set", none.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await Cli.RunAsync(study.Folder, "privacy", "ledger", "nowhere")).ExitCode);
    }

    public static TheoryData<string, string, string> Excluded => new()
    {
        { "kind: number, range: [-4, 10]", "kind: number", "dose" },
        { ", values: [a, b, c]", "", "ward" },
        { "missing: mean", "missing: drop-row", "drop-row" },
        { "preprocess: {", "preprocess: { statistics: site,", "statistics: site" },
        { "hidden: [8]", "hidden: [8], norm: batch", "norm: layer" },
        { "epochs: 20", "epochs: 20, earlyStopping: { patience: 3 }", "earlyStopping" },
        { "epochs: 20", "epochs: 20, targetLoss: 0.1", "targetLoss" },
        { "epochs: 20", "epochs: 20, classWeights: balanced", "classWeights" },
        { "epochs: 20", "epochs: 20, clipNorm: 1", "clipNorm" },
        { "optimizer: { kind: sgd, learningRate: 0.05 }", "optimizer: { kind: lbfgs }", "L-BFGS" },
        { "split: {", "clean: { duplicates: drop }\nsplit: {", "duplicates: drop" },
        { "arms: [local, federated]", "arms: [local, partner, federated]", "partner" },
        { "clip: 1 }", "clip: 0 }", "clip" },
        { "epsilon: 6", "epsilon: 0", "epsilon" },
    };

    [Theory]
    [MemberData(nameof(Excluded))]
    public async Task What_does_not_go_together_with_it_is_refused_with_its_reason(string good, string bad, string named)
    {
        using var study = new SmallStudy(study: text => Private(text).Replace(good, bad, StringComparison.Ordinal));
        var refused = await Cli.RunAsync(study.Folder, "check", ".");
        Assert.True(refused.ExitCode == 3, refused.ToString());
        Assert.Contains(named, refused.Error, StringComparison.Ordinal);
        Assert.Contains("study.yaml:", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_delta_of_one_in_rows_is_warned_of()
    {
        using var study = new SmallStudy(study: text => Private(text).Replace("delta: 1e-4", "delta: 0.02", StringComparison.Ordinal));
        var warned = await Cli.RunAsync(study.Folder, "check", ".");
        Assert.True(warned.ExitCode == 0, warned.ToString());
        Assert.Contains("1 / rows", warned.Output + warned.Error, StringComparison.Ordinal);
    }

    private static int Percent(string output) => output.Split('\n').Select(l => l.Trim().Split(' ')).Where(w => w.Length > 1 && w[1] == "%").Select(w => int.Parse(w[0], System.Globalization.CultureInfo.InvariantCulture)).DefaultIfEmpty(0).Max();

    private static async Task<List<string>> LedgerAsync(SmallStudy study, string run)
    {
        var shown = await Cli.RunAsync(study.Folder, "privacy", "ledger", run, "--json");
        return [.. JsonNode.Parse(shown.Output)!["accounts"]!.AsArray().Select(a => $"{a!["site"]} {a["epsilon"]} answers {a["answers"]}")];
    }
}
