using Comity.Declarations;
using Comity.Federation.Privacy;
using Comity.Federation.Rounds;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.Federation.Studies;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;
using Comity.Privacy.Mechanisms;

namespace Comity.Federation.Tests.Privacy;

/// <summary>Studies with differential privacy of records, run through the same machines and gates as any other.</summary>
public sealed class PrivateRunTests : IDisposable
{
    private const string Federated = """
        arms: [local, federated]
        federation: { rounds: 3, localEpochs: 2 }
        privacy: { differentialPrivacy: { epsilon: 4, delta: 1e-5, clip: 1 } }
        """;

    private readonly RunFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private sealed class Killed : Exception;

    [Fact]
    public async Task All_that_is_released_together_keeps_the_promise_and_losses_stay_at_home()
    {
        var study = RunFolder.Study(Federated, sites: 2);
        using var outcome = await StudyRun.RunAsync(Input(study, Sites(2)), default);
        Assert.Equal(["s0", "s1"], outcome.Results.Privacy.Select(p => p.Site));
        foreach (var site in outcome.Results.Privacy)
        {
            // Three rounds of two steps over all rows, and one noised statistic: one Gaussian in closed form.
            var together = AnalyticGaussian.Compose((site.NoiseMultiplier, 6), (site.StatisticsNoiseMultiplier, 1));
            Assert.Equal(AnalyticGaussian.Epsilon(together, 1e-5), site.Epsilon, 6);
            Assert.InRange(site.Epsilon, 3.98, 4);
            Assert.Equal(AnalyticGaussian.NoiseMultiplier(0.4, 1e-6), site.StatisticsNoiseMultiplier, 9);
            Assert.Equal(4, site.Answers);
            Assert.Equal(40, site.Rows);
        }
        Assert.All(outcome.Results.History.Where(h => h.Model.StartsWith("federated", StringComparison.Ordinal)), h => Assert.True(double.IsNaN(h.Loss)));
        Assert.All(outcome.Results.History.Where(h => h.Model.StartsWith("local", StringComparison.Ordinal)), h => Assert.True(double.IsFinite(h.Loss)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(", strategy: scaffold")]
    [InlineData(", optimizerState: kept, encoding: { updates: int8 }")]
    public async Task Killed_before_any_durable_write_and_resumed_nothing_is_charged_twice_lost_or_released_in_two_versions(string remembers)
    {
        var study = RunFolder.Study(Federated.Replace("localEpochs: 2", "localEpochs: 2" + remembers, StringComparison.Ordinal), sites: 2);
        var writes = new List<string>();
        using (await StudyRun.RunAsync(Input(study, Sites(2), "whole") with { BeforeWrite = w => { lock (writes) writes.Add(w); } }, default)) { }
        Assert.Contains("gate-store", writes);
        Assert.Contains("ledger-charge", writes);
        Assert.Contains("ledger-reserve", writes);

        for (var kill = 0; kill < writes.Count; kill++)
        {
            var folder = $"killed{kill}";
            var sent = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
            var left = kill;
            var input = Input(study, Sites(2), folder) with { Line = channel => new Watched(channel, sent) };
            await Assert.ThrowsAsync<Killed>(() => StudyRun.RunAsync(input with { BeforeWrite = _ => { if (left-- == 0) throw new Killed(); } }, default));
            using (await StudyRun.RunAsync(input with { Sites = Sites(2), Resume = true }, default)) { }

            Assert.All(sent, answer => Assert.True(answer.Value.Count == 1, $"Killed before write {kill} ({writes[kill]}), {answer.Key} left in {answer.Value.Count} versions."));
            using var ledger = PrivacyLedger.Open(Path.Combine(input.RunFolder, "ledger.sqlite"), TimeProvider.System);
            Assert.All(ledger.Entries(), entry =>
            {
                Assert.Equal(4, entry.Answers); // a statistic and three rounds
                Assert.Equal(entry.Reserved, entry.Charged);
                Assert.False(entry.Open);
            });
            Assert.Equal(2, ledger.Entries().Count);
        }
    }

    [Fact]
    public async Task An_answer_that_was_charged_and_lost_is_not_made_a_second_time()
    {
        var study = RunFolder.Study(Federated, sites: 2);
        var spools = 0;
        var input = Input(study, Sites(2));
        await Assert.ThrowsAsync<Killed>(() => StudyRun.RunAsync(input with { BeforeWrite = w => { if (w == "spool" && ++spools == 1) throw new Killed(); } }, default));
        foreach (var stored in Directory.GetFiles(input.RunFolder, "*~1.update", SearchOption.AllDirectories)) File.Delete(stored);
        var stopped = await Assert.ThrowsAsync<StudyStoppedException>(() => StudyRun.RunAsync(input with { Resume = true, Sites = Sites(2) }, default));
        Assert.Contains(RefusalReason.AnswerLost, stopped.Problem.Found(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    public static TheoryData<string> Lies => ["nothing", "less noise", "a larger clip", "more steps"];

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task An_update_that_does_not_show_the_privacy_asked_for_stays_at_the_site(string lie)
    {
        PrivateGradientDescent? Says(PrivateGradientDescent r) => lie switch
        {
            "nothing" => null,
            "less noise" => new(r.SamplingRate, r.ClipNorm, r.NoiseMultiplier / 2, r.Steps),
            "a larger clip" => new(r.SamplingRate, r.ClipNorm * 2, r.NoiseMultiplier, r.Steps),
            _ => new(r.SamplingRate, r.ClipNorm, r.NoiseMultiplier, r.Steps + 5),
        };
        var study = RunFolder.Study(Federated + "\n", sites: 3) with { };
        var federation = study.Federation! with { Quorum = new Quorum(2) };
        var sites = Sites(3);
        var honest = sites.Take(2).Cast<ISiteWork>().ToList();
        var sent = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        var input = Input(study with { Federation = federation }, [.. honest, new PrivateSite(new LeastSquaresSite("s2", 66), 39) { Says = Says }]) with { Line = channel => new Watched(channel, sent) };
        var left = new System.Collections.Concurrent.ConcurrentBag<Leaving>();
        using var outcome = await StudyRun.RunAsync(input with { Leaving = left.Add }, default);
        Assert.Equal(2 * 3, left.OfType<Leaving.OfUpdate>().Count()); // the honest ones', in three rounds
        Assert.DoesNotContain(left, l => l is Leaving.OfUpdate { Site: "s2" });
        Assert.All(left.OfType<Leaving.OfStatistics>(), s => Assert.NotEqual(Math.Round(s.Content.Parts[0].Values[0]), s.Content.Parts[0].Values[0])); // noised, not the count
        var reason = lie == "more steps" ? RefusalReason.BudgetSpent : RefusalReason.Unprotected;
        Assert.All(outcome.Results.Contributors, round => Assert.Equal([("s2", reason)], round.Rejected.Select(r => (r.Site, r.Reason))));
        Assert.DoesNotContain(sent.Keys, key => key.StartsWith("s2", StringComparison.Ordinal));
        Assert.Equal(1, outcome.Results.Privacy.Single(p => p.Site == "s2").Answers); // its statistic
    }

    [Fact]
    public async Task A_statistic_without_a_bound_does_not_leave()
    {
        var study = RunFolder.Study(Federated, sites: 2);
        ISiteWork[] sites = [Sites(1)[0], new PrivateSite(new LeastSquaresSite("s1", 66), 39) { IsBounded = false }];
        var stopped = await Assert.ThrowsAsync<StudyStoppedException>(() => StudyRun.RunAsync(Input(study, sites), default));
        Assert.Equal("gate-barred", stopped.Problem.Code);
    }

    [Fact]
    public async Task A_lifetime_budget_stops_a_study_before_it_starts()
    {
        var path = _folder.New("lasting.sqlite");
        using (var ledger = PrivacyLedger.Open(path, TimeProvider.System)) ledger.SetBudget(new LifetimeBudget(BudgetScope.DataSet, "s1", 5, 1e-5));
        var study = RunFolder.Study(Federated, sites: 2);
        using (await StudyRun.RunAsync(Input(study, Sites(2), "first") with { Ledger = path }, default)) { }
        var sites = Sites(2);
        var refused = await Assert.ThrowsAsync<InvalidDeclarationException>(() => StudyRun.RunAsync(Input(study, sites, "second") with { Ledger = path }, default));
        var problem = Assert.Single(refused.Problems);
        Assert.Equal("budget-exceeded", problem.Code);
        Assert.Contains("s1", problem.Found(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        Assert.Matches(@"About \d+ % of its releases", problem.Remedy(System.Globalization.CultureInfo.InvariantCulture));
        Assert.All(sites.Cast<PrivateSite>(), s => Assert.Equal(0, s.Draws));
        using var after = PrivacyLedger.Open(path, TimeProvider.System);
        Assert.Equal(["s0", "s1"], after.Entries().Where(e => e.Charged.Count > 0).Select(e => e.Account.Site)); // the first study's only
    }

    [Fact]
    public void Noise_of_statistics_is_as_large_as_what_one_record_can_change()
    {
        const double Z = 3;
        const int Buckets = 4000;
        var raw = new Statistics([
            new("counts", MergeRule.Sum, new double[Buckets], []) { Bound = new RecordBound([.. Enumerable.Repeat(2.0, Buckets)], 1) },
            new("moments", MergeRule.Sum, [.. Enumerable.Repeat(100.0, Buckets)], []) { Bound = new RecordBound([.. Enumerable.Repeat(0.5, Buckets)], Math.Sqrt(3)) }]);
        var section = new DifferentialPrivacySection { Epsilon = 1, Delta = 1e-5, Clip = 1 };
        var account = new LedgerAccount("r", "s", "a", "a");
        var releases = new List<LedgerItem> { new(new GaussianEvent(Z), 1) };
        var plan = new PrivacyPlan(Z, new Dictionary<string, PrivacyPlan.OfSite> { ["a"] = new(10, 1, releases) }, section);
        using var ledger = PrivacyLedger.Open(_folder.New("l.sqlite"), TimeProvider.System);
        ledger.Reserve(account, releases, new GaussianAccountant(NeighbouringRelation.AddOrRemoveOne));
        var gate = new SiteGate(ledger, account, plan, _folder.New("gate"), _ => Comity.Privacy.Noise.NoiseStream.Secure(), null);

        var released = gate.Release(new StatisticsTask(0, "moments", Statistics.None), raw);
        // Two parts share what a record can move, hence √2.
        double[] deviations = [Z * 2 * Math.Sqrt(2), Z * 0.5 * Math.Sqrt(3) * Math.Sqrt(2)];
        for (var part = 0; part < 2; part++)
        {
            var noise = released.Parts[part].Values.Zip(raw.Parts[part].Values, (a, b) => a - b).ToArray();
            Assert.Equal(deviations[part], Math.Sqrt(noise.Average(n => n * n)), deviations[part] * 5 / Math.Sqrt(2.0 * Buckets));
            Assert.Equal(0, noise.Average(), deviations[part] * 5 / Math.Sqrt(Buckets));
        }
        Assert.Equal(released.Parts[0].Values, gate.Release(new StatisticsTask(0, "moments", Statistics.None), raw).Parts[0].Values); // asked again: the same bytes
        Assert.Throws<SiteBarredException>(() => gate.Release(new StatisticsTask(1, "moments", Statistics.None), raw)); // one release was planned
    }

    private static List<ISiteWork> Sites(int count) => [.. Enumerable.Range(0, count).Select(i => (ISiteWork)new PrivateSite(new LeastSquaresSite($"s{i}", 66, i * 0.3), 39 + 1))];

    private StudyRunInput Input(StudySection study, IReadOnlyList<ISiteWork> sites, string folder = "run") =>
        _folder.Input(study, RunFolder.Sites(2), folder) with { Sites = sites, Pooled = null };

    /// <summary>Writes down the digest of every update that leaves a site, in all of a run's processes.</summary>
    private sealed class Watched(ISiteChannel channel, Dictionary<string, HashSet<string>> sent) : ISiteChannel
    {
        public string Site => channel.Site;

        public ValueTask<RoundReply> OfferAsync(RoundOffer offer, IUpdateSink sink, CancellationToken cancellationToken) => channel.OfferAsync(offer, new Sink(sink, sent), cancellationToken);

        public ValueTask<PersonalModel> PersonaliseAsync(RoundOffer finished, CancellationToken cancellationToken) => channel.PersonaliseAsync(finished, cancellationToken);

        private sealed class Sink(IUpdateSink sink, Dictionary<string, HashSet<string>> sent) : IUpdateSink
        {
            public string? Accept(UpdateHeader header, ReadOnlySpan<float> body)
            {
                lock (sent)
                {
                    var key = $"{header.Site} round {header.Round}";
                    if (!sent.TryGetValue(key, out var digests)) sent[key] = digests = [];
                    digests.Add(header.Sha256);
                }
                return sink.Accept(header, body);
            }

            public string? AcceptFile(UpdateHeader header, string path) => sink.AcceptFile(header, path);

            public void Progressed() => sink.Progressed();
        }
    }
}
