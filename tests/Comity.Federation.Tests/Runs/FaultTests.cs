using Comity.Declarations;
using Comity.Federation.Rounds;
using Comity.Federation.Runs;
using Comity.Testing;

namespace Comity.Federation.Tests.Runs;

public sealed class FaultTests : IDisposable
{
    private const string Tolerant = "arms: [federated]\npatienceSeconds: 30\nfederation: { rounds: 3, localEpochs: 5, quorum: 3 }\n";
    private const string Strict = "arms: [federated]\nfederation: { rounds: 3, localEpochs: 5 }\n";

    private readonly RunFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static Func<ISiteChannel, ISiteChannel> FaultAt(string site, Fault fault, Func<RoundOffer, bool>? when = null, TaskCompletionSource? asked = null) =>
        channel => channel.Site == site ? new FaultyLine(channel, when ?? (_ => true), fault, asked) : channel;

    [Fact]
    public async Task A_site_that_diverges_is_refused_by_its_gate_and_named_and_the_round_goes_on()
    {
        var sites = RunFolder.Sites(4);
        sites[1] = new LeastSquaresSite("s1", 70, 0.3) { LearningRate = 1e30 };
        using var outcome = await StudyRun.RunAsync(_folder.Input(RunFolder.Study(Tolerant), sites), default);

        Assert.All(outcome.Results.Contributors, r =>
        {
            Assert.Equal(["s0", "s2", "s3"], r.Contributed);
            Assert.Equal(("s1", RefusalReason.NotFinite), (r.Rejected.Single().Site, r.Rejected.Single().Reason));
        });
        Assert.Contains(outcome.Results.Warnings, w => w.Code == "update-rejected" && w.Arguments.SequenceEqual(["federated/fedavg", "s1", RefusalReason.NotFinite, "3"]));
        Assert.Equal(["s0", "s2", "s3"], outcome.Results.Models.Single().TrainedOn);
    }

    [Fact]
    public async Task Where_all_must_answer_a_diverging_site_stops_the_study_and_the_message_names_it()
    {
        var sites = RunFolder.Sites(4);
        sites[1] = new LeastSquaresSite("s1", 70, 0.3) { LearningRate = 1e30 };
        var stopped = await Assert.ThrowsAsync<StudyStoppedException>(() => StudyRun.RunAsync(_folder.Input(RunFolder.Study(Strict), sites), default));
        Assert.Equal("diverged", stopped.Problem.Code);
        var found = stopped.Problem.Found(System.Globalization.CultureInfo.GetCultureInfo("en"));
        Assert.Contains("'s1'", found, StringComparison.Ordinal);
        Assert.Contains("federated/fedavg", found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_local_model_that_diverges_stops_the_study()
    {
        var sites = RunFolder.Sites(2);
        sites[1] = new LeastSquaresSite("s1") { LearningRate = 1e30 };
        var stopped = await Assert.ThrowsAsync<StudyStoppedException>(() => StudyRun.RunAsync(_folder.Input(RunFolder.Study("arms: [local]", 2), sites), default));
        Assert.Equal("diverged", stopped.Problem.Code);
    }

    [Theory]
    [InlineData(Fault.NotFinite, RefusalReason.NotFinite)]
    [InlineData(Fault.Short, RefusalReason.WrongShape)]
    [InlineData(Fault.Torn, RefusalReason.WrongDigest)]
    public async Task The_coordinator_trusts_no_sites_gate(object fault, string reason)
    {
        using var outcome = await StudyRun.RunAsync(_folder.Input(Tolerant) with { Line = FaultAt("s2", (Fault)fault, o => o.Round == 2) }, default);
        var second = outcome.Results.Contributors[1];
        Assert.Equal(["s0", "s1", "s3"], second.Contributed);
        Assert.Equal(("s2", reason), (second.Rejected.Single().Site, second.Rejected.Single().Reason));
        Assert.Equal(4, outcome.Results.Contributors[2].Contributed.Count);
    }

    [Theory]
    [InlineData("strategy: scaffold")]
    [InlineData("optimizerState: kept")]
    [InlineData("encoding: { updates: int8 }")]
    [InlineData("strategy: scaffold, personalise: ditto, optimizerState: kept")]
    public async Task Updates_that_did_not_count_leave_no_trace_at_their_site(string remembers)
    {
        var study = Tolerant.Replace("rounds: 3", "rounds: 6, " + remembers, StringComparison.Ordinal);
        using var late = await StudyRun.RunAsync(_folder.Input(study, folder: "late") with { Line = FaultAt("s2", Fault.Torn, o => o.Round is 2 or 3 or 5) }, default);
        using var absent = await StudyRun.RunAsync(_folder.Input(study, folder: "absent") with { Line = FaultAt("s2", Fault.Absent, o => o.Round is 2 or 3 or 5) }, default);
        using var always = await StudyRun.RunAsync(_folder.Input(study, folder: "always"), default);
        Assert.Equal(RunFolder.Digests(absent.Results), RunFolder.Digests(late.Results));
        Assert.Equal([4, 3, 3, 4, 3, 4], late.Results.Contributors.Select(c => c.Contributed.Count));
        Assert.NotEqual(RunFolder.Digests(always.Results), RunFolder.Digests(late.Results));
    }

    [Fact]
    public async Task A_resend_changes_no_bit()
    {
        using var plain = await StudyRun.RunAsync(_folder.Input(Strict, folder: "plain"), default);
        using var twice = await StudyRun.RunAsync(_folder.Input(Strict, folder: "twice") with { Line = FaultAt("s2", Fault.Twice) }, default);
        Assert.Equal(RunFolder.Digests(plain.Results), RunFolder.Digests(twice.Results));
    }

    [Fact]
    public async Task A_replayed_update_of_an_earlier_round_counts_for_nothing()
    {
        using var outcome = await StudyRun.RunAsync(_folder.Input(Tolerant) with { Line = FaultAt("s2", Fault.Replayed, o => o.Round == 3) }, default);
        Assert.Equal(["s0", "s1", "s3"], outcome.Results.Contributors[2].Contributed);
    }

    [Fact]
    public async Task A_silent_site_counts_as_absent_after_the_deadline()
    {
        var clock = new ManualTimeProvider();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var run = StudyRun.RunAsync(_folder.Input(Tolerant) with { Time = clock, Line = FaultAt("s3", Fault.Silent, o => o.Round == 2, asked) }, default);
        await EndPatienceAsync(clock, asked.Task, run);

        using var outcome = await run;
        Assert.Equal(["s0", "s1", "s2"], outcome.Results.Contributors[1].Contributed);
        Assert.Equal(["s3"], outcome.Results.Contributors[1].Missing);
        Assert.Equal(4, outcome.Results.Contributors[2].Contributed.Count);
        Assert.Contains(outcome.Results.Warnings, w => w.Code == "site-missing" && w.Arguments.SequenceEqual(["federated/fedavg", "s3", "1"]));
    }

    [Fact]
    public async Task A_round_that_misses_its_quorum_stops_with_names_and_goes_on_when_the_site_is_back()
    {
        var clock = new ManualTimeProvider();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var input = _folder.Input("arms: [federated]\npatienceSeconds: 30\nfederation: { rounds: 3, localEpochs: 5 }\n");
        var run = StudyRun.RunAsync(input with { Time = clock, Line = FaultAt("s3", Fault.Silent, o => o.Round == 2, asked) }, default);
        await EndPatienceAsync(clock, asked.Task, run);
        var stopped = await Assert.ThrowsAsync<StudyStoppedException>(() => run);
        Assert.Equal("quorum-missed", stopped.Problem.Code);
        Assert.Contains("s3", stopped.Problem.Found(System.Globalization.CultureInfo.GetCultureInfo("zh-Hans")), StringComparison.Ordinal);

        // The three updates of the round are spooled: only the missing one is asked for.
        var sites = RunFolder.Sites(4);
        using var resumed = await StudyRun.RunAsync(input with { Sites = sites, Resume = true }, default);
        Assert.Equal([1, 1, 1, 2], sites.Select(s => s.TrainCalls));
        using var plain = await StudyRun.RunAsync(_folder.Input(Strict, folder: "plain"), default);
        Assert.Equal(RunFolder.Digests(plain.Results), RunFolder.Digests(resumed.Results));
    }

    [Fact]
    public async Task A_required_site_that_stays_silent_stops_the_round()
    {
        var clock = new ManualTimeProvider();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var run = StudyRun.RunAsync(_folder.Input("arms: [federated]\npatienceSeconds: 5\nfederation: { rounds: 2, quorum: 1, required: s1 }\n") with { Time = clock, Line = FaultAt("s1", Fault.Silent, asked: asked) }, default);
        await EndPatienceAsync(clock, asked.Task, run);
        Assert.Equal("required-missing", (await Assert.ThrowsAsync<StudyStoppedException>(() => run)).Problem.Code);
    }

    [Fact]
    public async Task An_update_above_the_norm_is_refused_at_the_site()
    {
        using var outcome = await StudyRun.RunAsync(_folder.Input("arms: [federated]\nfederation: { rounds: 1, localEpochs: 1, quorum: 1, gate: { maxNorm: 0.4 } }\n"), default);
        var round = outcome.Results.Contributors.Single();
        Assert.NotEmpty(round.Rejected);
        Assert.NotEmpty(round.Contributed);
        Assert.All(round.Rejected, r => Assert.Equal(RefusalReason.NormExceeded, r.Reason));
    }

    // Patience runs out once, for the silent site alone: when it has been asked and every other site of the round has answered.
    private static async Task EndPatienceAsync(ManualTimeProvider clock, Task asked, Task run)
    {
        await Task.WhenAny(run, asked);
        while (!run.IsCompleted && clock.WaitingTimers != 1) await Task.Delay(5, TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromSeconds(31));
    }
}
