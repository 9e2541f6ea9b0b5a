using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>The rounds of one federation, whose simulated sites are trained in groups by worker processes, end with the bits of one process.</summary>
public sealed class DividedFederationTests(DividedReference whole) : IClassFixture<DividedReference>
{
    private static readonly string[] Divided = ["--divide", "always"];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Any_number_of_workers_gives_the_weights_of_one_process(int count)
    {
        using var study = DividedReference.Study();
        await using var workers = new Workers();
        for (var i = 0; i < count; i++) await workers.StartAsync(study.Folder, "--name", $"w{i}");

        var run = workers.Run(study.Folder, Divided);
        var result = await run.EndAsync();

        Assert.True(result.ExitCode == 0, result + workers.Said());
        Assert.Equal(RunFiles.Weights(whole.Folder), RunFiles.Weights(study.At("out")));
        Assert.Equal(RunFiles.Results(whole.Folder)["evaluation"]!.ToJsonString(), RunFiles.Results(study.At("out"))["evaluation"]!.ToJsonString());
        Assert.Contains("federated/tuned: its rounds are divided", run.Output, StringComparison.Ordinal);
        Assert.Equal(count > 0, workers.Said().Contains("Begun: groups/federated/tuned", StringComparison.Ordinal));
        Assert.Equal(Passed(whole.Folder), Passed(study.At("out")));
        Assert.Equal(0, await workers.CountAsync("SELECT (SELECT count(*) FROM trial_runs) + (SELECT count(*) FROM trials) + (SELECT count(*) FROM trial_file_parts)"));
        var audited = await CommandProcess.RunComityAsync(["audit", "verify", study.At("out", "audit.jsonl"), "--lang", "en"], Workers.Limit);
        Assert.True(audited.ExitCode == 0, audited.ToString());
    }

    [Fact]
    public async Task A_worker_that_is_killed_in_mid_group_costs_only_that_group()
    {
        using var study = DividedReference.Study();
        await using var workers = new Workers();
        var victim = await workers.StartAsync(study.Folder, "--name", "victim");
        var run = workers.Run(study.Folder, [.. Divided, "--lease", "5", "--deliveries", "9"]);
        await StopInGroupAsync(victim, workers);

        victim.Kill();
        await workers.StartAsync(study.Folder, "--name", "heir");
        var result = await run.EndAsync();

        Assert.True(result.ExitCode == 0, result + workers.Said());
        Assert.True(Lines(victim, "Begun: ") > Lines(victim, "Handed over"), victim.Output);
        Assert.Equal(RunFiles.Weights(whole.Folder), RunFiles.Weights(study.At("out")));
    }

    [Fact]
    public async Task A_worker_that_sleeps_longer_than_its_lease_wakes_up_to_nothing()
    {
        using var study = DividedReference.Study();
        await using var workers = new Workers();
        var sleeper = await workers.StartAsync(study.Folder, "--name", "sleeper");
        var run = workers.Run(study.Folder, [.. Divided, "--lease", "5", "--deliveries", "9"]);
        await StopInGroupAsync(sleeper, workers);

        // Its group is another's, or the run's own, before it wakes up.
        var result = await run.EndAsync();
        sleeper.Wake();
        Assert.True(await sleeper.WaitUntilAsync(p => Lines(p, "Begun: ") == Lines(p, "Handed over") + ErrorLines(p, "lease"), Workers.Limit), workers.Said());

        Assert.True(result.ExitCode == 0, result + workers.Said());
        Assert.Equal(RunFiles.Weights(whole.Folder), RunFiles.Weights(study.At("out")));
    }

    [Fact]
    public async Task A_run_that_is_stopped_in_mid_round_goes_on_with_that_round()
    {
        using var study = DividedReference.Study();
        await using var workers = new Workers();
        var worker = await workers.StartAsync(study.Folder, "--name", "a");
        var run = workers.Run(study.Folder, Divided);
        Assert.True(await worker.WaitUntilAsync(p => p.Output.Contains("Begun: groups/federated/tuned~r0/3/", StringComparison.Ordinal), Workers.Limit), workers.Said());

        run.Interrupt();
        var stopped = await run.EndAsync();
        var resumed = workers.Run(study.Folder, [.. Divided, "--resume"]);
        var result = await resumed.EndAsync();

        Assert.True(stopped.ExitCode == 130, stopped.ToString());
        Assert.True(result.ExitCode == 0, result + workers.Said());
        Assert.InRange(Lines(worker, "Begun: groups/federated/tuned~r0/1/1-"), 0, 1); // what was done is not done again
        Assert.Equal(RunFiles.Weights(whole.Folder), RunFiles.Weights(study.At("out")));
    }

    [Fact]
    public async Task Short_rounds_stay_with_one_worker_and_the_run_says_so()
    {
        using var study = DividedReference.Study(text => text.Replace("localEpochs: 1000", "localEpochs: 1", StringComparison.Ordinal));
        await using var workers = new Workers();
        await workers.StartAsync(study.Folder, "--name", "a");

        var run = workers.Run(study.Folder);
        var result = await run.EndAsync();

        Assert.True(result.ExitCode == 0, result + workers.Said());
        Assert.Contains("federated/tuned: one worker trains it whole, as its rounds are too short", run.Output, StringComparison.Ordinal);
        Assert.Contains("Begun: federated/tuned~r0", workers.Said(), StringComparison.Ordinal);
        Assert.DoesNotContain("Begun: groups/", workers.Said(), StringComparison.Ordinal);
    }

    // Stopped where it is at work on a group. One that had just ended is woken, for the next.
    private static async Task StopInGroupAsync(CommandProcess worker, Workers workers)
    {
        while (true)
        {
            Assert.True(await worker.WaitUntilAsync(p => Lines(p, "Begun: groups/") > Lines(p, "Handed over"), Workers.Limit), workers.Said());
            worker.Sleep();
            if (Lines(worker, "Begun: groups/") > Lines(worker, "Handed over")) return;
            worker.Wake();
        }
    }

    private static List<string> Passed(string folder) =>
        [.. RunFiles.Audit(folder).Select(l => l.ToString()).Select(l => System.Text.RegularExpressions.Regex.Match(l, "\"kind\":\"([^\"]+)\"").Groups[1].Value).Order(StringComparer.Ordinal)];

    private static int Lines(CommandProcess process, string text) => process.Output.Split('\n').Count(l => l.Contains(text, StringComparison.Ordinal));

    private static int ErrorLines(CommandProcess process, string text) => process.Error.Split('\n').Count(l => l.Contains(text, StringComparison.OrdinalIgnoreCase));
}

/// <summary>A study of seven sites that remember things from round to round, run in one process.</summary>
public sealed class DividedReference : IAsyncLifetime
{
    private readonly SmallStudy _study = Study();

    public string Folder => _study.At("out");

    public async ValueTask InitializeAsync()
    {
        var result = await Cli.RunAsync(_study.Folder, "run", ".", "--out", "out");
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    public ValueTask DisposeAsync()
    {
        _study.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Control variates, error feedback, and a cohort that changes.</summary>
    internal static SmallStudy Study(Func<string, string>? change = null) => new(text => (change ?? (t => t))(text[..text.IndexOf("arms:", StringComparison.Ordinal)]
        .Replace("  - { id: south, market: there, source: { csv: south.csv } }", string.Join('\n', Enumerable.Range(1, 6).Select(i => $"  - {{ id: s{i}, market: there, source: {{ csv: south.csv }} }}")), StringComparison.Ordinal) + """
        arms: [federated]
        federations:
          - { name: tuned, strategy: scaffold, rounds: 4, localEpochs: 1000, cohort: 6, training: { optimizer: { kind: sgd, learningRate: 0.01 } } }
          - { name: sparse, strategy: fedavg, rounds: 3, localEpochs: 2, encoding: { updates: { kind: top-k, fraction: 0.1 } } }

        """));
}
