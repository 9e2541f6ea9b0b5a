using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Comity.Declarations;
using Comity.Federation.Privacy;
using Comity.Federation.Results;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.Federation.Studies;
using Comity.Privacy.Events;
using Comity.Privacy.Noise;

namespace Comity.Federation.Tests.Privacy;

/// <summary>Held-out metrics from noised counts: planned and paid for before the study starts, released once, and nothing exact beside them.</summary>
public sealed class MetricsPrivacyTests : IDisposable
{
    private const string Rest = "arms: [local, federated]\nfederation: { rounds: 2, localEpochs: 1 }\n";
    private const string Private = "privacy: { differentialPrivacy: { unit: record, epsilon: 8, delta: 1e-3, clip: 1, accountant: rdp }, metrics: { epsilon: 3 } }";

    private readonly RunFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private sealed class Killed : Exception;

    [Fact]
    public async Task Metrics_come_from_noised_counts_that_the_ledger_was_charged_for_before_they_left()
    {
        var left = new ConcurrentQueue<Leaving>();
        var sites = Sites();
        using var outcome = await StudyRun.RunAsync(Input(sites, "run") with { Leaving = left.Enqueue }, default);
        var results = outcome.Results;
        Assert.All(results.Evaluation, e => Assert.Equal("noised", e.Release));
        Assert.All(sites, s => Assert.Empty(s.Judged)); // nobody was asked for exact numbers
        Assert.Empty(results.Benefit);
        // Three counts a site: its own model, and the common one on test and on validation rows.
        var counts = left.OfType<Leaving.OfCounts>().ToList();
        Assert.Equal(12, counts.Count);
        Assert.All(counts, c => Assert.InRange(c.Charge!.Epsilon, 0.1, 1.0));
        using var ledger = PrivacyLedger.Open(Path.Combine(_folder.New("run"), PrivacyLedger.FileName), TimeProvider.System);
        Assert.All(ledger.Entries(), e => Assert.Equal([new LedgerItem(new PureEvent(1), 3)], e.Charged.Where(i => i.Event is PureEvent)));
        Assert.All(results.Privacy, p =>
        {
            Assert.Equal((11, 1.0), (p.Promised, p.MetricsEpsilon));
            Assert.InRange(p.Epsilon, 3, 11);
        });
        // What all sites reached together is the sum of what they released.
        var union = results.Evaluation.Single(e => e is { Site: "*", Split: RowSplit.Test });
        var released = counts.Where(c => c.Task.Judged.Model == union.Model && c.Task.Judged.Split == RowSplit.Test).ToList();
        Assert.Equal((int)Math.Round(released.Sum(c => c.Content.Parts[0].Values.Sum())), union.Result.Rows);
        Assert.Contains(results.Warnings, w => w.Code == "metrics-noised");
        Assert.DoesNotContain(results.Warnings, w => w.Code == "metrics-exact");
    }

    [Fact]
    public async Task Nothing_exact_about_a_sites_rows_stands_beside_noised_counts()
    {
        var described = Sites().Select(s => new SiteInfo(s.Site, "us", 1000, 600, 200, 200, [700, 300], [new ColumnQuality("age", "number", 0.25, 54.5, 9, 0.1)])).ToList();
        using var noised = await StudyRun.RunAsync(Input(Sites(), "run") with { Described = described }, default);
        Assert.All(noised.Results.Sites, site =>
        {
            Assert.Equal(("noised", 0), (site.Release, site.Quality.Count));
            var told = noised.Results.Evaluation.First(e => e.Site == site.Id && e.Split == RowSplit.Test).Result;
            Assert.Equal((told.Rows, told.ClassCounts), (site.TestRows, site.ClassCounts));
            Assert.Equal(site.Rows, site.TrainingRows + site.ValidationRows + site.TestRows);
            Assert.Equal(noised.Results.Privacy.Single(p => p.Site == site.Id).Rows, site.TrainingRows); // the number of training rows is public
        });
        Assert.NotEqual(Enumerable.Range(0, 4).Select(i => 300 + (10 * i)).Select(n => n - (n * 6 / 10) - (n * 2 / 10)), noised.Results.Sites.Select(s => s.TestRows));
        Assert.DoesNotContain(noised.Results.History, h => double.IsFinite(h.Loss));

        using var exact = await StudyRun.RunAsync(_folder.Input(Rest, 4, "exact") with { Described = described }, default);
        Assert.All(exact.Results.Sites, s => Assert.Equal(("exact", 1000, 1), (s.Release, s.Rows, s.Quality.Count)));
        Assert.Contains(exact.Results.History, h => double.IsFinite(h.Loss));
    }

    [Fact]
    public async Task Killed_at_any_write_no_counts_leave_in_two_versions_and_none_are_charged_twice()
    {
        var writes = new List<string>();
        using (await StudyRun.RunAsync(Input(Sites(), "whole") with { BeforeWrite = w => { lock (writes) writes.Add(w); } }, default)) { }
        var first = writes.IndexOf("model"); // training has tests of its own
        Assert.True(first > 0 && writes.Count > first, string.Join(' ', writes));
        for (var kill = first; kill < writes.Count; kill += 3)
        {
            var (left, seen, folder) = (kill, new ConcurrentQueue<Leaving>(), $"killed{kill}");
            var draws = 0;
            NoiseStream Fresh(string site, string answer) => NoiseStream.Repeatable(SHA256.HashData(Encoding.UTF8.GetBytes($"{Interlocked.Increment(ref draws)} {answer}")));
            var input = Input(Sites(), folder) with { Leaving = seen.Enqueue, Noise = Fresh };
            await Assert.ThrowsAsync<Killed>(() => StudyRun.RunAsync(input with { BeforeWrite = _ => { if (Interlocked.Decrement(ref left) < 0) throw new Killed(); } }, default));
            using (await StudyRun.RunAsync(input with { Resume = true }, default)) { }
            Assert.All(seen.OfType<Leaving.OfCounts>().GroupBy(c => (c.Site, c.Task.Id)), g => Assert.Single(g.Select(c => JsonSerializer.Serialize(c.Content)).Distinct()));
            using var ledger = PrivacyLedger.Open(Path.Combine(_folder.New(folder), PrivacyLedger.FileName), TimeProvider.System);
            Assert.All(ledger.Entries(), e => Assert.Equal(3, e.Charged.Where(i => i.Event is PureEvent).Sum(i => i.Count)));
        }
    }

    [Theory]
    [InlineData("privacy: { metrics: { epsilon: 1 } }", "metrics-need-record-privacy")]
    [InlineData("privacy: { metrics: { epsilon: 1 }, differentialPrivacy: { unit: site, epsilon: 8, delta: 1e-3, clip: 1 } }", "metrics-need-record-privacy")]
    [InlineData("privacy: { metrics: { epsilon: 0 }, differentialPrivacy: { unit: record, epsilon: 8, delta: 1e-3, clip: 1 } }", "out-of-range")]
    [InlineData("search: { values: { training.batch: [1, 2] } }\nprivacy: { metrics: { epsilon: 1 }, differentialPrivacy: { unit: record, epsilon: 8, delta: 1e-3, clip: 1 } }", "metrics-search")]
    public void What_would_promise_nothing_is_refused(string privacy, string code)
    {
        var problems = new ProblemList();
        var yaml = "study: t\nseed: 7\ncontract: {}\nmodel: linear\nmarkets: [{ id: us, jurisdiction: US }]\nsites: [{ id: a, market: us }, { id: b, market: us }, { id: c, market: us }]\n" + Rest + privacy;
        StudyReader.Bind(DeclaredFile.Parse(yaml, "study.yaml", problems)!, problems);
        Assert.Contains(problems, p => p.Code == code);
    }

    [Fact]
    public async Task Under_masks_what_all_sites_reached_is_a_sum_and_equals_the_judgement_of_all_rows()
    {
        using var clear = await StudyRun.RunAsync(_folder.Input(Rest, 4, "clear"), default);
        using var masked = await StudyRun.RunAsync(_folder.Input(Rest + "privacy: { secureAggregation: true }", 4, "masked"), default);
        foreach (var split in new[] { RowSplit.Test, RowSplit.Validation })
        {
            var (expected, found) = (clear.Results.Evaluation.Single(e => e.Site == "*" && e.Model.StartsWith("federated", StringComparison.Ordinal) && e.Split == split), masked.Results.Evaluation.Single(e => e.Site == "*" && e.Split == split));
            Assert.Equal(("exact", "summed"), (expected.Release, found.Release));
            Assert.Equal(expected.Result.Rows, found.Result.Rows);
            Assert.Equal(expected.Result.Metrics["mse"].Value, found.Result.Metrics["mse"].Value, 1e-3 * expected.Result.Metrics["mse"].Value);
            Assert.True(found.Result.Metrics["mse"].Low < found.Result.Metrics["mse"].Value);
        }
        Assert.Contains(masked.Results.Warnings, w => w.Code == "metrics-summed");
        Assert.All(masked.Results.Evaluation.Where(e => e.Site != "*"), e => Assert.Equal("exact", e.Release));
    }

    [Fact]
    public async Task A_site_that_only_judges_pays_for_what_is_told_of_it_and_for_nothing_else()
    {
        var head = "study: test\nseed: 7\n";
        var study = RunFolder.Study(Rest + Private, 4, head);
        study = study with { Sites = [.. study.Sites.Select(s => s.Id == "s3" ? s with { Trains = false } : s)] };
        var sites = Sites();
        using var outcome = await StudyRun.RunAsync(Input(sites, "run") with { Study = study }, default);
        Assert.Equal(["s0", "s1", "s2"], outcome.Results.Contributors[0].Contributed);
        using var ledger = PrivacyLedger.Open(Path.Combine(_folder.New("run"), PrivacyLedger.FileName), TimeProvider.System);
        var judging = ledger.Entries().Single(e => e.Account.Site == "s3");
        Assert.All(judging.Charged, i => Assert.IsType<PureEvent>(i.Event));
        Assert.Equal(2, judging.Charged.Sum(i => i.Count)); // the common model on test and on validation rows
        Assert.Equal((0, 0.0), (outcome.Results.Privacy.Single(p => p.Site == "s3").Rows, outcome.Results.Privacy.Single(p => p.Site == "s3").NoiseMultiplier));
    }

    private static List<LeastSquaresSite> Sites() => RunFolder.Sites(4, 300);

    private StudyRunInput Input(List<LeastSquaresSite> sites, string folder) => _folder.Input(RunFolder.Study(Rest + Private), sites, folder) with
    {
        Sites = [.. sites.Select((s, i) => (ISiteWork)new PrivateSite(s, (300 + (10 * i)) * 6 / 10))],
        Noise = (site, answer) => NoiseStream.Repeatable(SHA256.HashData(Encoding.UTF8.GetBytes($"{site} {answer}"))),
    };
}
