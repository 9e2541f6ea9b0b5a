using Comity.Testing;

namespace Comity.EndToEnd.Tests.Kills;

/// <summary>A real run, killed by a real SIGKILL between every two steps of a site's gate: statistics, updates, memory, counts behind metrics, keys, masked vectors, ledger, logs.</summary>
public sealed class GateKillTests
{
    private const int Shares = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    // All that a gate lets out under record-level privacy, and a memory that goes with it.
    private const string Noised = """
        preprocess: { missing: mean, scale: min-max }
        federation: { name: average, strategy: scaffold, rounds: 2 }
        privacy: { differentialPrivacy: { epsilon: 8, delta: 1e-3, clip: 1, accountant: rdp }, metrics: { epsilon: 4 } }
        """;

    // Shares of noise below masks: keys, vectors and what was revealed.
    private const string Masked = """
        preprocess: { statistics: site, missing: mean, scale: min-max }
        federation: { name: average, strategy: fedavg, rounds: 1 }
        privacy: { secureAggregation: true, differentialPrivacy: { unit: site, noise: distributed, epsilon: 50, delta: 1e-3, clip: 1, accountant: rdp } }
        """;

    [Fact]
    public Task A_run_with_noise_of_records_killed_before_any_step_of_a_gate_ends_with_the_same_bits_and_each_answer_charged_once() =>
        KilledAsync(Noised, ["north", "south"], chargedTogether: false,
            ["statistics~0~moments.f32", "memory-0.f32", "memory-1.f32", "~1.update", "~2.update", "judging~federated~average~test~0.f32", "ledger.sqlite-wal", "audit/north.jsonl", ".spool"]);

    [Fact]
    public Task A_run_with_shares_of_noise_below_masks_killed_before_any_step_of_a_gate_ends_with_the_same_bits_and_each_answer_charged_once() =>
        KilledAsync(Masked, ["north", "south", "west"], chargedTogether: true,
            ["000001.keys over state 0", "000001.keys over state 1", "000001.keys over state 2", "000001.keys over state 3", "000001.keys over state 4", "000001.masked", "000001.revealed", "ledger.sqlite-wal", "audit/north.jsonl", ".spool"]);

    private static async Task KilledAsync(string settings, string[] sites, bool chargedTogether, string[] among)
    {
        Assert.SkipUnless(FileCall.IsSupported, "Needs Linux on x64 or arm64: a process is watched by ptrace(2) there.");
        using var study = new TempFolder();
        Write(study, settings, sites);
        var steps = new GateSteps("north", chargedTogether);
        var whole = await RunAsync(study, "whole", resume: false, steps.Watch(study.At("whole")));
        Assert.True(whole.ExitCode == 0, whole.ToString());
        var (weights, charges) = (RunFiles.Weights(study.At("whole")), Charges("whole"));
        Assert.NotEmpty(charges);
        var leavings = new Leavings();

        // A sum's charge names the masked round, in which the run's own random name is.
        List<Charge> Charges(string run) => [.. LedgerFile.Charges(study.At(run, "ledger.sqlite")).Select(c => chargedTogether ? c with { Sha256 = "" } : c)];

        async Task KillAsync(string run, int share, int shares)
        {
            var last = "";
            for (var resume = false; ; resume = true)
            {
                var killed = (string?)null;
                var kill = steps.Kill(study.At(run), share, shares);
                var ended = await RunAsync(study, run, resume, call =>
                {
                    if (kill(call)) killed = $"{call.Name} {call.Path}";
                    return killed is not null;
                });
                if (killed is null)
                {
                    Assert.True(ended.ExitCode == 0, $"After a kill before '{last}': {ended}");
                    break;
                }
                Assert.Equal(128 + 9, ended.ExitCode);
                leavings.Check(study.At(run), charges, last = killed);
            }
            Assert.Equal(weights, RunFiles.Weights(study.At(run)));
            Assert.Equal(charges, Charges(run));
            foreach (var log in sites.Select(s => study.At(run, "audit", s + ".jsonl")).Append(study.At(run, "audit.jsonl")))
            {
                var verified = await Cli.RunAsync(study.FullPath, "audit", "verify", log);
                Assert.True(verified.ExitCode == 0, verified.ToString());
            }
        }

        await Task.WhenAll(Enumerable.Range(0, Shares).Select(share => KillAsync($"killed-{share}", share, Shares)));
        // A run that was killed elsewhere may have taken another way past a step.
        for (var more = Shares; steps.Spared.Count > 0 && more < 2 * Shares; more++) await KillAsync($"killed-{more}", 0, 1);
        TestContext.Current.SendDiagnosticMessage($"{steps.Killed.Count} kills, before: {string.Join("; ", steps.Killed)}");
        Assert.Empty(steps.Spared);
        Assert.All(among, part => Assert.Contains(steps.Killed, step => step.Contains(part, StringComparison.Ordinal)));
    }

    private static async Task<CommandResult> RunAsync(TempFolder study, string run, bool resume, Func<FileCall, bool> killBefore)
    {
        string[] arguments = ["run", "study.yaml", "--out", run, "--jobs", "1", "--lang", "en"];
        var (process, watched) = await TracedProcess.StartComityAsync(study.FullPath, resume ? [.. arguments, "--resume"] : arguments, killBefore);
        await using (process)
        {
            var ended = await process.WaitAsync(Limit);
            await watched;
            return ended;
        }
    }

    private static void Write(TempFolder study, string settings, string[] sites)
    {
        study.Write("study.yaml", $$"""
            study: gate
            seed: 3
            contract:
              label: { column: sick, positive: 1 }
              features:
                - { column: age, kind: number, range: [0, 120] }
                - { column: dose, kind: number, range: [-10, 20] }
            markets:
              - { id: here, jurisdiction: US }
            sites:
            {{string.Join('\n', sites.Select(s => $"  - {{ id: {s}, market: here, source: {{ csv: {s}.csv }} }}"))}}
            split: { test: 0.3, stratify: label }
            model: { kind: logistic }
            training: { optimizer: { kind: sgd, learningRate: 0.05 }, batch: 16, epochs: 2 }
            evaluation: { bootstrap: 0 }
            arms: [federated]
            {{settings}}

            """);
        for (var i = 0; i < sites.Length; i++) study.Write($"{sites[i]}.csv", SmallStudy.Records(sites[i], 4 * i, rows: 40));
    }
}
