using System.Collections.Concurrent;
using System.Globalization;
using Comity.Federation.Results;
using Comity.Federation.Runs;
using Comity.Federation.Studies;

namespace Comity.Federation.Tests.Masking;

/// <summary>Studies whose updates leave under masks, run through real keys, shares and sums.</summary>
public sealed class MaskedRunTests : IDisposable
{
    private const string Federated = """
        arms: [federated]
        federation: { rounds: 3, localEpochs: 2, quorum: 3 }

        """;

    private const string Masked = "privacy: { secureAggregation: { maximalRows: 1000 } }";

    private readonly RunFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private sealed class Killed : Exception;

    [Theory]
    [InlineData("fedavg", 4)]
    [InlineData("{ kind: fedadam, serverLearningRate: 0.1 }", 4)]
    [InlineData("{ kind: fedprox, mu: 0.1 }", 3)]
    [InlineData("scaffold", 5)]
    public async Task Masked_and_clear_rounds_give_the_same_model_to_within_the_fixed_point(string strategy, int sites)
    {
        var rest = $"arms: [federated]\nfederation: {{ rounds: 3, localEpochs: 2, strategy: {strategy}, personalise: ditto }}\n";
        using var clear = await RunAsync(rest, sites, "clear");
        using var masked = await RunAsync(rest + Masked, sites, "masked");
        foreach (var model in clear.Results.Models)
        {
            var same = masked.Results.Models.Single(m => m.Id == model.Id);
            Assert.Equal(0, clear.Weights(model).Zip(masked.Weights(same), (a, b) => Math.Abs(a - b)).Max(), 5e-5);
        }
        Assert.Equal(clear.Results.Contributors.Select(c => string.Join(',', c.Contributed)), masked.Results.Contributors.Select(c => string.Join(',', c.Contributed)));
        foreach (var (a, b) in clear.Results.History.Zip(masked.Results.History))
        {
            Assert.Equal(a.Loss, b.Loss, 1e-3 * Math.Abs(a.Loss) + 1e-4);
            Assert.Equal(a.Metrics["validationLoss"], b.Metrics["validationLoss"], 1e-3 * Math.Abs(a.Metrics["validationLoss"]) + 1e-4);
        }
        Assert.Null(clear.Results.SecureAggregation);
        Assert.Equal(new SecureAggregationInfo("semi-honest", sites, Math.Max(3, (sites / 2) + 1), null, 8, 1000), masked.Results.SecureAggregation);
        Assert.Contains(masked.Results.Warnings, w => w.Code == "updates-masked");
    }

    [Theory]
    [InlineData("{ adversary: lying-coordinator }")]
    [InlineData("{ graph: sparse }")]
    [InlineData("true")]
    public async Task One_job_and_four_give_the_same_bits_though_every_run_has_its_own_masks(string section)
    {
        var rest = "arms: [federated]\nfederation: { rounds: 3, localEpochs: 2 }\n" + $"privacy: {{ secureAggregation: {section} }}";
        var log = new ConcurrentQueue<MaskedLine.Left>();
        using var one = await StudyRun.RunAsync(Input(rest, 8, "one", log), default);
        using var four = await StudyRun.RunAsync(Input(rest, 8, "four", log) with { Jobs = 4 }, default);
        Assert.Equal(RunFolder.Digests(one.Results), RunFolder.Digests(four.Results));
        var updates = log.Where(l => l.What == "Update").ToList();
        Assert.Equal(2 * (1 + 3 + 2) * 8, updates.Count); // one sum of statistics, three rounds, the model judged on test and on validation rows
        Assert.Equal(updates.Count, updates.Select(u => u.Content).Distinct().Count()); // no two masked vectors are alike, in whichever run
    }

    public static TheoryData<MaskStep, bool> Steps
    {
        get
        {
            var data = new TheoryData<MaskStep, bool>();
            foreach (var step in Enum.GetValues<MaskStep>().Where(s => s is not (MaskStep.Never or MaskStep.Signatures))) data.Add(step, false);
            foreach (var step in Enum.GetValues<MaskStep>().Where(s => s is not MaskStep.Never)) data.Add(step, true);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Steps))]
    public async Task A_site_that_falls_silent_at_any_step_leaves_the_exact_sum_of_the_others_or_its_own_in_it(MaskStep step, bool signed)
    {
        var rest = Federated.Replace("quorum: 3", "quorum: 4", StringComparison.Ordinal) + $"privacy: {{ secureAggregation: {{ adversary: {(signed ? "lying-coordinator" : "semi-honest")} }} }}";
        var log = new ConcurrentQueue<MaskedLine.Left>();
        using var outcome = await StudyRun.RunAsync(Input(rest, 5, "run", log, (site, round) => site == "s1" && round == 2 ? step : MaskStep.Never), default);
        var contributed = outcome.Results.Contributors.Single(c => c.Round == 2);
        var isIn = step >= MaskStep.Survivors;
        Assert.Equal(isIn ? ["s0", "s1", "s2", "s3", "s4"] : ["s0", "s2", "s3", "s4"], contributed.Contributed);
        Assert.Equal(isIn ? [] : ["s1"], contributed.Missing);

        // The same without masks, and with the same site absent.
        var clear = _folder.Input(RunFolder.Study(Federated.Replace("quorum: 3", "quorum: 4", StringComparison.Ordinal), 5), RunFolder.Sites(5), "clear") with
        {
            Line = channel => new MaskedLine(channel, [], (site, round) => site == "s1" && round == 2 && !isIn ? MaskStep.Update : MaskStep.Never) { InTheClear = true },
        };
        using var expected = await StudyRun.RunAsync(clear, default);
        var (a, b) = (outcome.Weights(outcome.Results.Models[0]), expected.Weights(expected.Results.Models[0]));
        Assert.Equal(0, a.Zip(b, (x, y) => Math.Abs(x - y)).Max(), 5e-4);
        NobodyRevealsBoth(log);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Killed_at_any_write_and_resumed_it_gives_the_same_bits_and_no_keys_ever_hide_two_vectors(bool signed)
    {
        var rest = "arms: [federated]\nfederation: { rounds: 2, localEpochs: 1, personalise: ditto }\n" + $"privacy: {{ secureAggregation: {{ adversary: {(signed ? "lying-coordinator" : "semi-honest")} }} }}";
        var writes = new List<string>();
        using var whole = await StudyRun.RunAsync(Input(rest, 3, "whole", []) with { BeforeWrite = w => { lock (writes) writes.Add(w); } }, default);
        Assert.All(new[] { "mask-keys", "mask-vector", "mask-state", "mask-revealed", "spool" }, kind => Assert.Contains(kind, writes));
        for (var kill = 0; kill < writes.Count; kill++)
        {
            var (log, left, folder) = (new ConcurrentQueue<MaskedLine.Left>(), kill, $"killed{kill}");
            await Assert.ThrowsAsync<Killed>(() => StudyRun.RunAsync(Input(rest, 3, folder, log) with { BeforeWrite = _ => { if (Interlocked.Decrement(ref left) < 0) throw new Killed(); } }, default));
            using var resumed = await StudyRun.RunAsync(Input(rest, 3, folder, log) with { Resume = true }, default);
            Assert.Equal(RunFolder.Digests(whole.Results), RunFolder.Digests(resumed.Results));
            // One plan, one content, for whatever was said: keys, shares, the masked vector, the unmasking.
            Assert.All(log.GroupBy(l => (l.Site, l.Plan, l.What)), said => Assert.True(said.Select(s => s.Content).Distinct().Count() == 1, $"Killed before write {kill} ({writes[kill]}): {said.Key} left in two versions."));
            Assert.All(log.GroupBy(l => (l.Site, l.Of, l.Round)).Select(g => g.Where(l => l.What == "RevealedShares").Select(l => l.Plan).Distinct()), plans => Assert.Single(plans));
            NobodyRevealsBoth(log);
        }
    }

    [Fact]
    public async Task A_round_that_misses_its_quorum_is_begun_again_with_new_keys_and_one_whose_masks_are_coming_off_keeps_its_survivors()
    {
        var rest = Federated + "privacy: { secureAggregation: true }";
        using var whole = await StudyRun.RunAsync(Input(rest, 4, "whole", []), default);
        foreach (var (step, plans) in new[] { (MaskStep.Shares, 2), (MaskStep.Update, 2), (MaskStep.Survivors, 1) })
        {
            var log = new ConcurrentQueue<MaskedLine.Left>();
            var stopped = await Assert.ThrowsAsync<StudyStoppedException>(() => StudyRun.RunAsync(Input(rest, 4, $"{step}", log, (site, round) => round == 2 && site is "s0" or "s3" ? step : MaskStep.Never), default));
            Assert.Equal("quorum-missed", stopped.Problem.Code);
            using var resumed = await StudyRun.RunAsync(Input(rest, 4, $"{step}", log) with { Resume = true }, default);
            Assert.Equal(RunFolder.Digests(whole.Results), RunFolder.Digests(resumed.Results));
            Assert.Equal(plans, log.Where(l => l.Round == 2).Select(l => l.Plan).Distinct().Count());
            Assert.All(log.Where(l => l.What == "RevealedShares").GroupBy(l => (l.Site, l.Of, l.Round)), r => Assert.Single(r.Select(l => l.Plan).Distinct()));
        }
    }

    [Fact]
    public async Task A_vector_or_a_count_beyond_the_range_is_refused_by_the_site_and_nothing_wraps()
    {
        var log = new ConcurrentQueue<MaskedLine.Left>();
        var sites = RunFolder.Sites(4);
        var study = RunFolder.Study(Federated + "privacy: { secureAggregation: { maximalRows: 45 } }"); // s1 to s3 train on more rows
        var stopped = await Assert.ThrowsAsync<StudyStoppedException>(() => StudyRun.RunAsync(_folder.Input(study, sites, "rows"), default));
        Assert.Contains("s3 (range-exceeded)", stopped.Problem.Found(CultureInfo.InvariantCulture), StringComparison.Ordinal);

        // One site learns so fast that a coordinate moves by more than the clip.
        sites[2] = new LeastSquaresSite("s2", 80, 0.6) { LearningRate = 4 };
        var input = _folder.Input(RunFolder.Study(Federated.Replace("rounds: 3", "rounds: 1", StringComparison.Ordinal) + "privacy: { secureAggregation: { clip: 2 } }"), sites, "clip");
        using var outcome = await StudyRun.RunAsync(input with { Line = channel => new MaskedLine(channel, log, (_, _) => MaskStep.Never) }, default);
        var round = outcome.Results.Contributors.Single();
        Assert.Equal(["s0", "s1", "s3"], round.Contributed);
        Assert.Equal([new RejectedUpdate("s2", "range-exceeded")], round.Rejected);
        Assert.DoesNotContain(log, l => l is { Site: "s2", What: "Update", Round: > 0 });
    }

    private static void NobodyRevealsBoth(IEnumerable<MaskedLine.Left> log)
    {
        foreach (var plan in log.Where(l => l.What == "RevealedShares").GroupBy(l => l.Plan))
        {
            var kinds = plan.SelectMany(l => l.Content.Split(',')).Distinct().ToList();
            Assert.Equal(kinds.Count, kinds.Select(k => k[1..]).Distinct().Count());
        }
    }

    private Task<StudyOutcome> RunAsync(string rest, int sites, string folder) => StudyRun.RunAsync(_folder.Input(RunFolder.Study(rest, sites), RunFolder.Sites(sites), folder), default);

    private StudyRunInput Input(string rest, int sites, string folder, ConcurrentQueue<MaskedLine.Left> log, Func<string, int, MaskStep>? silentAt = null) =>
        _folder.Input(RunFolder.Study(rest, sites), RunFolder.Sites(sites), folder) with { Line = channel => new MaskedLine(channel, log, silentAt ?? ((_, _) => MaskStep.Never)) };
}
