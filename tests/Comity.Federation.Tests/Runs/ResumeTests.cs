using System.Collections.Concurrent;
using Comity.Declarations;
using Comity.Federation.Runs;
using Comity.Tensors.Randomness;

namespace Comity.Federation.Tests.Runs;

/// <summary>Same study, same bits: for any number of jobs, and after being killed at any durable write.</summary>
public sealed class ResumeTests : IDisposable
{
    private const string Everything = """
        arms: [local, pooled, federated, combined]
        repeats: 2
        federations:
          - { name: yogi, rounds: 3, localEpochs: 2, strategy: fedyogi, cohort: 3 }
          - { rounds: 3, localEpochs: 2, strategy: scaffold, personalise: ditto, cohort: 0.75 }
          - { name: median, rounds: 2, localEpochs: 2, strategy: median, personalise: { kind: fine-tune, epochs: 2 } }
          - { name: kept, rounds: 3, localEpochs: 2, cohort: 3, strategy: { kind: fedavgm, nesterov: true }, optimizerState: kept, encoding: { updates: int8, model: bf16 }, personalise: ditto }
          - { name: searched, rounds: 2, strategy: scaffold, search: { values: { training.optimizer.learningRate: [0.01, 0.05] } } }
        search: { values: { training.optimizer.learningRate: [0.02, 0.05] } }
        combined: { by: { kind: distil, rounds: 2 } }
        """;

    private readonly RunFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private sealed class Killed : Exception;

    [Fact]
    public async Task One_job_and_four_give_the_same_bits()
    {
        using var one = await StudyRun.RunAsync(_folder.Input(Everything, folder: "one"), default);
        using var four = await StudyRun.RunAsync(_folder.Input(Everything, folder: "four") with { Jobs = 4 }, default);
        Assert.Equal(RunFolder.Digests(one.Results), RunFolder.Digests(four.Results));
        Assert.Equal(one.Results.Benefit, four.Results.Benefit);
        Assert.Equal(one.Results.Summary, four.Results.Summary);
    }

    [Fact]
    public async Task A_run_killed_at_any_write_and_resumed_gives_the_same_bits()
    {
        var writes = 0;
        var kinds = new ConcurrentDictionary<string, bool>();
        using var whole = await StudyRun.RunAsync(_folder.Input(Everything, folder: "whole") with { BeforeWrite = kind => { kinds[kind] = true; Interlocked.Increment(ref writes); } }, default);
        Assert.Equal(["agreed", "checkpoint", "comparisons", "evaluations", "forget", "identity", "model", "round", "site-memory", "spool", "value", "weights"], kinds.Keys.Order(StringComparer.Ordinal));
        Assert.True(writes > 100, $"{writes} writes");
        var random = Seed.Of(11).ToRandom();
        for (var attempt = 0; attempt < 12; attempt++)
        {
            var (folder, kills) = ($"killed{attempt}", 0);
            for (var resume = false; ; resume = true)
            {
                // Killed again and again, a random number of writes further on, until it gets through.
                var left = kills < 4 ? random.NextInt32(writes / 2) : int.MaxValue;
                var input = _folder.Input(Everything, folder: folder) with { Resume = resume, Jobs = 1 + (attempt % 2), BeforeWrite = _ => { if (Interlocked.Decrement(ref left) < 0) throw new Killed(); } };
                try
                {
                    using var outcome = await StudyRun.RunAsync(input, default);
                    Assert.Equal(RunFolder.Digests(whole.Results), RunFolder.Digests(outcome.Results));
                    Assert.Equal(whole.Results.Benefit, outcome.Results.Benefit);
                    Assert.Equal(whole.Results.Contributors.Select(c => string.Join(",", c.Contributed)), outcome.Results.Contributors.Select(c => string.Join(",", c.Contributed)));
                    break;
                }
                catch (Killed)
                {
                    kills++;
                }
            }
        }
    }

    [Fact]
    public async Task What_is_finished_is_not_trained_again()
    {
        using (await StudyRun.RunAsync(_folder.Input(Everything), default)) { }
        var sites = RunFolder.Sites(4);
        using var again = await StudyRun.RunAsync(_folder.Input(RunFolder.Study(Everything), sites) with { Resume = true }, default);
        Assert.All(sites, s => Assert.Equal(0, s.TrainCalls));
    }

    [Fact]
    public async Task Cancelling_leaves_a_state_that_can_be_resumed()
    {
        using var whole = await StudyRun.RunAsync(_folder.Input(Everything, folder: "whole"), default);
        using var leave = new CancellationTokenSource();
        var rounds = 0;
        var progress = new Told(e => { if (e is StudyEvent.RoundDone && ++rounds == 4) leave.Cancel(); });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StudyRun.RunAsync(_folder.Input(Everything) with { Progress = progress }, leave.Token));
        using var resumed = await StudyRun.RunAsync(_folder.Input(Everything) with { Resume = true }, default);
        Assert.Equal(RunFolder.Digests(whole.Results), RunFolder.Digests(resumed.Results));
    }

    [Theory]
    [InlineData("checkpoint")]
    [InlineData("site memory")]
    public async Task Bulk_files_lost_with_the_power_are_made_again(string lost)
    {
        using var whole = await StudyRun.RunAsync(_folder.Input(Everything, folder: "whole"), default);
        var rounds = 0;
        var input = _folder.Input(Everything) with { BeforeWrite = what => { if (what == "round" && ++rounds == 6) throw new Killed(); } };
        await Assert.ThrowsAsync<Killed>(() => StudyRun.RunAsync(input, default));
        var pattern = lost == "checkpoint" ? "*.checkpoint" : "memory-*.f32";
        var files = Directory.GetFiles(input.RunFolder, pattern, SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        foreach (var file in files) Damage(file);
        using var resumed = await StudyRun.RunAsync(_folder.Input(Everything) with { Resume = true }, default);
        Assert.Equal(RunFolder.Digests(whole.Results), RunFolder.Digests(resumed.Results));
    }

    private static void Damage(string path)
    {
        var bytes = File.ReadAllBytes(path);
        for (var i = 40; i < bytes.Length; i++) bytes[i] ^= 0x40;
        File.WriteAllBytes(path, bytes);
    }

    [Fact]
    public async Task A_run_is_continued_only_where_it_is_asked_for_and_only_as_it_was_begun()
    {
        using (await StudyRun.RunAsync(_folder.Input("arms: [local]"), default)) { }
        async Task<List<string>> Codes(StudyRunInput input) =>
            [.. (await Assert.ThrowsAsync<InvalidDeclarationException>(() => StudyRun.RunAsync(input, default))).Problems.Select(p => p.Code)];

        Assert.Equal(["run-exists"], await Codes(_folder.Input("arms: [local]")));
        var other = _folder.Input(RunFolder.Study("arms: [local]", head: "study: test\nseed: 8\n"), RunFolder.Sites(4)) with { Resume = true, StudySha256 = "def" };
        Assert.Equal(["run-differs", "run-differs"], await Codes(other));
    }

    [Fact]
    public async Task Two_processes_do_not_work_in_one_folder()
    {
        using var first = await StudyRun.RunAsync(_folder.Input("arms: [local]"), default);
        var second = await Assert.ThrowsAsync<InvalidDeclarationException>(() => StudyRun.RunAsync(_folder.Input("arms: [local]") with { Resume = true }, default));
        Assert.Equal("run-locked", second.Problems.Single().Code);
    }

    private sealed class Told(Action<StudyEvent> tell) : IProgress<StudyEvent>
    {
        public void Report(StudyEvent value) => tell(value);
    }
}
