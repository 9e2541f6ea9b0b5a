using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Comity.Declarations;
using Comity.Federation.Privacy;
using Comity.Federation.Rounds;
using Comity.Federation.Runs;
using Comity.Federation.Studies;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;
using Comity.Privacy.Noise;

namespace Comity.Federation.Tests.Privacy;

/// <summary>Studies that hide whole sites: clipped updates, noise on their sum, and a ledger that is charged for it.</summary>
public sealed class SiteLevelTests : IDisposable
{
    private const int Sites = 5;
    private readonly RunFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private sealed class Killed : Exception;

    private static string Study(string privacy, int rounds = 1, string rest = "", string masks = "") =>
        $"arms: [federated]\nfederation: {{ rounds: {rounds}{rest} }}\nprivacy: {{ differentialPrivacy: {{ unit: site, epsilon: 4, delta: 1e-5, clip: 2{privacy} }}{masks} }}\n";

    [Theory]
    [InlineData("")]
    [InlineData(", secureAggregation: true")]
    public async Task The_sum_of_clipped_updates_carries_the_noise_that_epsilon_needs_divided_by_the_sites_asked(string masks)
    {
        // Norms 1 to 5 against a clip of 2: the sum of norms is 1 + 4 · 2. One site is absent in the second half.
        const int Rounds = 4;
        var input = Input(Study("", Rounds, ", quorum: 4", masks)) with { Line = channel => new Watch(channel) { Silent = (site, round) => site == "s4" && round > 2 } };
        using var outcome = await StudyRun.RunAsync(input, default);
        var z = AnalyticGaussian.NoiseMultiplier(4, 1e-5) * Math.Sqrt(Rounds);
        var (mean, deviation) = Moments(outcome);
        Assert.Equal(z * 2 / Sites * Math.Sqrt(Rounds), deviation, 0.08 * z * 2 / Sites * Math.Sqrt(Rounds));
        var moved = ((2 * 9) + (2 * 7)) / (double)Sites / Math.Sqrt(ConstantSite.Length);
        Assert.Equal(moved, mean, 5 * deviation / Math.Sqrt(ConstantSite.Length));

        var spent = outcome.Results.Privacy.ToDictionary(p => p.Site);
        Assert.All(spent.Values, p => Assert.Equal(("site-gaussian", "zero-out-one-site", 4.0), (p.Mechanism, p.Relation, p.Promised)));
        Assert.Equal(4, spent["s0"].Epsilon, 6);
        Assert.Equal(AnalyticGaussian.Epsilon(z / Math.Sqrt(2), 1e-5), spent["s4"].Epsilon, 6); // it was in two rounds
        Assert.All(outcome.Results.History, h => Assert.True(double.IsNaN(h.Loss)));
    }

    [Theory]
    [InlineData(5, 0)]
    [InlineData(4, 0)]
    [InlineData(4, 1)]
    public async Task Shares_of_noise_below_the_masks_are_enough_for_the_fewest_survivors_allowed(int survivors, int colluding)
    {
        var input = Input(Study($", noise: distributed, colluding: {colluding}", 2, ", quorum: 4", ", secureAggregation: { adversary: lying-coordinator }")) with
        {
            Line = channel => new Watch(channel) { Silent = (site, _) => int.Parse(site[1..], System.Globalization.CultureInfo.InvariantCulture) >= survivors },
        };
        using var outcome = await StudyRun.RunAsync(input, default);
        var z = outcome.Results.Privacy[0].NoiseMultiplier;
        Assert.InRange(new RdpAccountant(NeighbouringRelation.AddOrRemoveOne).Epsilon(new GaussianEvent(z).Times(2), 1e-5), 3.99, 4);
        var (_, deviation) = Moments(outcome);
        var share = z * 2 / Math.Sqrt(4 - colluding);
        var expected = share * Math.Sqrt(survivors) / Sites * Math.Sqrt(2);
        Assert.Equal(expected, deviation, 0.08 * expected);
        Assert.True(share * Math.Sqrt(survivors - colluding) >= z * 2 * 0.999);
        Assert.Equal("rdp", outcome.Results.Privacy[0].Accountant);
        Assert.Equal("site-shared-noise", outcome.Results.Privacy[0].Mechanism);
    }

    [Theory]
    [InlineData("")]
    [InlineData(", secureAggregation: true")]
    [InlineData(", secureAggregation: true", ", noise: distributed")]
    public async Task The_clip_follows_the_median_of_the_norms_from_either_side(string masks, string noise = "")
    {
        // At a generous ε; norms 1 to 5, hence the median 3.
        foreach (var start in masks.Length == 0 ? new[] { 0.5, 20 } : [20])
        {
            var clips = new ConcurrentDictionary<int, double>();
            var text = Study($", adaptive: {{ countNoise: 1.5, learningRate: 0.5 }}{noise}", 20, "", masks)
                .Replace("epsilon: 4", "epsilon: 80", StringComparison.Ordinal).Replace("clip: 2", FormattableString.Invariant($"clip: {start}"), StringComparison.Ordinal);
            using var outcome = await StudyRun.RunAsync(Input(text, $"clip{start}") with { Line = channel => new Watch(channel) { Offered = o => clips[o.Round] = o.Clip!.Norm } }, default);
            Assert.Equal(start, clips[1]);
            Assert.InRange(clips.Where(c => c.Key > 12).Average(c => c.Value), 1.8, 4.5);
            Assert.InRange(outcome.Results.Privacy[0].Epsilon, 79, 80);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(", adaptive: { countNoise: 3 }")]
    [InlineData(", noise: distributed", ", secureAggregation: true")]
    public async Task Killed_at_any_write_and_resumed_it_gives_the_same_bits_and_charges_every_round_once(string privacy, string masks = "")
    {
        var text = Study(privacy, 2, "", masks);
        var writes = new List<string>();
        using var whole = await StudyRun.RunAsync(Input(text, "whole", 3) with { BeforeWrite = w => { lock (writes) writes.Add(w); } }, default);
        for (var kill = 0; kill < writes.Count; kill++)
        {
            var left = kill;
            var input = Input(text, $"killed{kill}", 3);
            await Assert.ThrowsAsync<Killed>(() => StudyRun.RunAsync(input with { BeforeWrite = _ => { if (Interlocked.Decrement(ref left) < 0) throw new Killed(); } }, default));
            using var resumed = await StudyRun.RunAsync(input with { Resume = true }, default);
            Assert.Equal(RunFolder.Digests(whole.Results), RunFolder.Digests(resumed.Results));
            Assert.All(resumed.Results.Privacy, p => Assert.Equal((2, whole.Results.Privacy[0].Epsilon), (p.Answers, p.Epsilon)));
        }
    }

    [Theory]
    [InlineData("site-privacy-strategy", "unit: site", ", strategy: median")]
    [InlineData("site-privacy-strategy", "unit: site", ", strategy: scaffold")]
    [InlineData("site-privacy-weights", "unit: site", ", weights: rows")]
    [InlineData("shared-noise-needs-masks", "unit: site, noise: distributed", "")]
    [InlineData("site-privacy-key", "unit: record, noise: distributed", "")]
    [InlineData("site-privacy-key", "unit: record, adaptive: true", "")]
    public void What_leaves_a_site_without_a_bound_is_refused(string code, string privacy, string rest)
    {
        var problems = new ProblemList();
        var text = $"study: t\ncontract: {{}}\nmodel: m\nmarkets: [{{ id: us, jurisdiction: US }}]\nsites: [{{ id: a, market: us }}, {{ id: b, market: us }}, {{ id: c, market: us }}]\n"
            + $"federation: {{ rounds: 1{rest} }}\nprivacy: {{ differentialPrivacy: {{ {privacy}, epsilon: 1, delta: 1e-5, clip: 1 }} }}\n";
        SectionReader.Read<StudySection>(DeclaredFile.Parse(text, "study.yaml", problems)!, problems);
        Assert.Equal(code, Assert.Single(problems).Code);
    }

    [Fact]
    public async Task Statistics_of_whole_sites_and_a_clip_that_cannot_follow_are_refused_before_anything_is_trained()
    {
        async Task<string> Code(StudyRunInput input) => Assert.Single((await Assert.ThrowsAsync<InvalidDeclarationException>(() => StudyRun.RunAsync(input, default))).Problems).Code;
        Assert.Equal("site-privacy-statistics", await Code(Input(Study("")) with { Model = new LeastSquaresModel() }));
        Assert.Equal("adaptive-clip-infeasible", await Code(Input(Study(", adaptive: true"), "other")));
    }

    private static (double Mean, double Deviation) Moments(StudyOutcome outcome)
    {
        var weights = outcome.Weights(outcome.Results.Models.Single());
        var mean = weights.Average(w => (double)w);
        return (mean, Math.Sqrt(weights.Average(w => (w - mean) * (w - mean))));
    }

    private StudyRunInput Input(string rest, string folder = "run", int sites = Sites) => _folder.Input(RunFolder.Study(rest, sites), RunFolder.Sites(sites), folder) with
    {
        Model = new ZeroModel(),
        Pooled = null,
        Sites = [.. Enumerable.Range(0, sites).Select(i => new ConstantSite($"s{i}", i + 1))],
        Noise = (site, answer) => NoiseStream.Repeatable(SHA256.HashData(Encoding.UTF8.GetBytes($"{site}|{answer}"))),
    };

    private sealed class Watch(ISiteChannel inner) : ISiteChannel
    {
        public Func<string, int, bool> Silent { get; init; } = (_, _) => false;

        public Action<RoundOffer> Offered { get; init; } = _ => { };

        public string Site => inner.Site;

        public ValueTask<RoundReply> OfferAsync(RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken)
        {
            Offered(offer);
            return Silent(Site, offer.Round) ? throw new SiteGoneException(Site) : inner.OfferAsync(offer, sink, cancellationToken);
        }

        public ValueTask<Federation.Masking.MaskedReply> MaskAsync(Federation.Masking.MaskedStep step, CancellationToken cancellationToken) => inner.MaskAsync(step, cancellationToken);

        public ValueTask<PersonalModel> PersonaliseAsync(RoundOffer finished, CancellationToken cancellationToken) => inner.PersonaliseAsync(finished, cancellationToken);
    }
}
