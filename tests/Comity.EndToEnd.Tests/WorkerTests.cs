using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>A run that is spread over worker processes ends with the bits of a run in one process, whatever becomes of the workers.</summary>
public sealed class WorkerTests(SmallRun first) : IClassFixture<SmallRun>
{
    // Long enough to be killed in.
    private static string Longer(string text) => text.Replace("rounds: 8", "rounds: 200", StringComparison.Ordinal).Replace("repeats: 2", "repeats: 1", StringComparison.Ordinal)
        .Replace("strategy: fedavg, ", "strategy: fedavg, search: { values: { training.optimizer.learningRate: [0.01, 0.03] }, rounds: 4 }, ", StringComparison.Ordinal);

    [Fact]
    public async Task Two_workers_and_a_run_give_the_weights_of_one_process()
    {
        using var study = new SmallStudy();
        await using var workers = new Workers();
        await workers.StartAsync(study.Folder, "--name", "a");
        await workers.StartAsync(study.Folder, "--name", "b", "--studies", study.Folder);

        var result = await workers.Run(study.Folder).EndAsync();

        Assert.True(result.ExitCode == 0, result + workers.Said());
        Assert.Equal(RunFiles.Weights(first.Folder), RunFiles.Weights(study.At("out")));
        Assert.Equal(RunFiles.Results(first.Folder)["evaluation"]!.ToJsonString(), RunFiles.Results(study.At("out"))["evaluation"]!.ToJsonString());
        Assert.Equal(0, await workers.CountAsync("SELECT (SELECT count(*) FROM trial_runs) + (SELECT count(*) FROM trials) + (SELECT count(*) FROM trial_file_parts)"));
        var audited = await CommandProcess.RunComityAsync(["audit", "verify", study.At("out", "audit.jsonl"), "--lang", "en"], Workers.Limit);
        Assert.True(audited.ExitCode == 0, audited.ToString());
    }

    [Fact]
    public async Task A_private_study_of_many_sites_is_trained_in_groups_and_its_ledger_and_logs_are_those_of_one_process()
    {
        // More sites than there are groups.
        static string Many(string text) => PrivateStudyTests.Private(text)
            .Replace("  - { id: south, market: there, source: { csv: south.csv } }", string.Join('\n', Enumerable.Range(1, 40).Select(i => $"  - {{ id: s{i:00}, market: there, source: {{ csv: south.csv }} }}")), StringComparison.Ordinal)
            .Replace("rounds: 200 }", "rounds: 3 }", StringComparison.Ordinal)
            .Replace("  - { name: tuned, strategy: scaffold, rounds: 8, training: { optimizer: { kind: sgd, learningRate: 0.05 } }, personalise: { kind: fine-tune, epochs: 2 } }\n", "", StringComparison.Ordinal)
            .Replace("epochs: 20", "epochs: 2", StringComparison.Ordinal);
        using var study = new SmallStudy(Many);
        using var alone = new SmallStudy(Many);
        var plain = await Cli.RunAsync(alone.Folder, "run", ".", "--out", "out");
        Assert.True(plain.ExitCode == 0, plain.ToString());
        await using var workers = new Workers();
        await workers.StartAsync(study.Folder, "--name", "a");
        await workers.StartAsync(study.Folder, "--name", "b");

        var result = await workers.Run(study.Folder).EndAsync();

        Assert.True(result.ExitCode == 0, result + workers.Said());
        Assert.Contains("local/north..local/s01~r0", workers.Said(), StringComparison.Ordinal);
        Assert.Equal(RunFiles.Weights(alone.At("out")), RunFiles.Weights(study.At("out")));
        Assert.Equal(RunFiles.Results(alone.At("out"))["privacy"]!.ToJsonString(), RunFiles.Results(study.At("out"))["privacy"]!.ToJsonString());
        Assert.Equal(Passed(alone.At("out")), Passed(study.At("out")));

        static List<string> Passed(string folder) => [.. RunFiles.Audit(folder).Select(l => l.ToString()).Select(l => System.Text.RegularExpressions.Regex.Match(l, "\"kind\":\"([^\"]+)\"").Groups[1].Value).Order()];
    }

    [Fact]
    public async Task A_worker_that_is_killed_in_mid_trial_loses_its_lease_and_another_trains_it()
    {
        using var study = new SmallStudy(Longer);
        using var alone = new SmallStudy(Longer);
        var plain = await Cli.RunAsync(alone.Folder, "run", ".", "--out", "out");
        Assert.True(plain.ExitCode == 0, plain.ToString());
        await using var workers = new Workers();
        var victim = await workers.StartAsync(study.Folder, "--name", "victim");
        var run = workers.Run(study.Folder, "--lease", "15", "--deliveries", "9");
        Assert.True(await victim.WaitUntilAsync(p => p.Output.Contains("Begun: federated/", StringComparison.Ordinal), Workers.Limit), workers.Said());

        victim.Kill();
        var heir = await workers.StartAsync(study.Folder, "--name", "heir");
        var result = await run.EndAsync();

        Assert.True(result.ExitCode == 0, result + workers.Said());
        Assert.Contains("(delivery 2)", heir.Output, StringComparison.Ordinal);
        Assert.Equal(RunFiles.Weights(alone.At("out")), RunFiles.Weights(study.At("out")));
        Assert.Equal(2, RunFiles.Results(study.At("out"))["searches"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_run_that_is_killed_goes_on_with_what_workers_trained_meanwhile()
    {
        using var study = new SmallStudy();
        await using var workers = new Workers();
        var run = workers.Run(study.Folder);
        Assert.True(await run.WaitUntilAsync(_ => Directory.Exists(study.At("out", "state", "orders")), Workers.Limit), workers.Said());
        var worker = await workers.StartAsync(study.Folder, "--name", "a");
        Assert.True(await worker.WaitUntilAsync(p => p.Output.Contains("Handed over", StringComparison.Ordinal), Workers.Limit), workers.Said());

        run.Kill();
        await run.EndAsync();
        var result = await workers.Run(study.Folder, "--resume").EndAsync();

        Assert.True(result.ExitCode == 0, result + workers.Said());
        Assert.Equal(RunFiles.Weights(first.Folder), RunFiles.Weights(study.At("out")));
    }

    [Fact]
    public async Task A_worker_that_is_stopped_gives_its_trial_back_and_a_worker_of_another_width_declines()
    {
        using var study = new SmallStudy(Longer);
        await using var workers = new Workers();
        var narrow = await workers.StartAsync(study.Folder, "--name", "narrow", "--width", "128");
        // So long a lease that only giving back can make the trial another's in time.
        var run = workers.Run(study.Folder, "--lease", "3600");
        Assert.True(await narrow.WaitUntilAsync(p => p.Error.Contains("computes with vectors of 128 bits", StringComparison.Ordinal), Workers.Limit), workers.Said());
        Assert.True(await run.WaitUntilAsync(p => p.Error.Contains("narrow", StringComparison.Ordinal), Workers.Limit), workers.Said());
        var stopped = await workers.StartAsync(study.Folder, "--name", "stopped");
        Assert.True(await stopped.WaitUntilAsync(p => p.Output.Contains("Begun: federated/", StringComparison.Ordinal), Workers.Limit), workers.Said());

        stopped.Interrupt();
        var ended = await stopped.EndAsync();
        await workers.StartAsync(study.Folder, "--name", "wide");
        var result = await run.EndAsync();

        Assert.True(ended.ExitCode == 0, ended.ToString());
        Assert.Contains("Given back: federated/", ended.Output, StringComparison.Ordinal);
        Assert.True(result.ExitCode == 0, result + workers.Said());
        Assert.DoesNotContain("Begun", narrow.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trial_that_fails_at_every_worker_ends_the_run_with_its_name_and_the_reason()
    {
        using var study = new SmallStudy();
        await using var workers = new Workers();
        File.WriteAllText(study.At("taken"), "a file where a folder should be");
        await workers.StartAsync(study.Folder, "--name", "full", "--scratch", "taken");

        var result = await workers.Run(study.Folder, "--deliveries", "2").EndAsync();

        Assert.True(result.ExitCode == 5, result + workers.Said());
        Assert.Matches("The trial \\S+~r\\d failed 2 times, the last time at the worker full", result.Error);
        Assert.Contains("--resume", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Records_that_differ_are_declined_with_both_digests()
    {
        using var study = new SmallStudy();
        using var other = new SmallStudy(north: text => text.Replace("\n4", "\n5", StringComparison.Ordinal));
        await using var workers = new Workers();
        var worker = await workers.StartAsync(other.Folder, "--name", "other", "--studies", other.Folder);
        var run = workers.Run(study.Folder);

        Assert.True(await run.WaitUntilAsync(p => p.Error.Contains("Expected the same records", StringComparison.Ordinal), Workers.Limit), workers.Said());
        Assert.DoesNotContain("Begun", worker.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("amqp://ann:hidden@127.0.0.1:1/", "postgres://ann:hidden@127.0.0.1:1/db", 11, "pg_isready")]
    [InlineData("http://ann:hidden@127.0.0.1/", "postgres://ann:hidden@127.0.0.1:1/db", 2, "amqp://user:password@host")]
    [InlineData("amqp://ann:hidden@127.0.0.1:1/", "mysql://ann:hidden@127.0.0.1:1/db", 2, "postgres://user:password@host")]
    public async Task An_address_that_leads_nowhere_is_explained_without_its_password(string queue, string store, int exitCode, string remedy)
    {
        using var study = new SmallStudy();
        foreach (string[] command in new[] { new[] { "worker" }, ["run", ".", "--out", "out"] })
        {
            var result = await Cli.RunAsync(study.Folder, [.. command, "--queue", queue, "--store", store]);

            Assert.True(result.ExitCode == exitCode, result.ToString());
            Assert.Contains(remedy, result.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("hidden", result.ToString(), StringComparison.Ordinal);
            Assert.False(Directory.Exists(study.At("out")));
        }
    }

    [Fact]
    public async Task A_broker_that_is_not_there_is_named()
    {
        using var study = new SmallStudy();
        var store = Requires.Postgres() + ";Search Path=w" + Guid.NewGuid().ToString("N");

        var result = await Cli.RunAsync(study.Folder, "worker", "--queue", "amqp://ann:hidden@127.0.0.1:1/", "--store", store);

        Assert.True(result.ExitCode == 11, result.ToString());
        Assert.Contains("amqp://127.0.0.1:1/", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", result.ToString(), StringComparison.Ordinal);
    }
}
