using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Comity.Federation.Privacy;
using Comity.Federation.Sites;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;
using Comity.Transport.Sites;
using Microsoft.AspNetCore.Http;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>Masks and differential privacy over the network: gates, keys and ledgers of sites elsewhere keep what one process keeps, with the same bits.</summary>
public sealed class ProtectedStudyTests : IAsyncDisposable
{
    private const string Masked = "arms: [local, federated]\nfederation: { rounds: 3, localEpochs: 2 }\nprivacy: { secureAggregation: { maximalRows: 1000 } }";
    private const string Signed = "arms: [federated]\nfederation: { rounds: 3, localEpochs: 2, strategy: scaffold, personalise: ditto }\nprivacy: { secureAggregation: { adversary: lying-coordinator, maximalRows: 1000 } }";
    private const string Records = "arms: [local, federated]\nfederation: { rounds: 3, localEpochs: 2 }\nprivacy: { differentialPrivacy: { unit: record, epsilon: 8, delta: 1e-3, clip: 1, accountant: rdp } }";
    private const string MaskedRecords = "arms: [federated]\nfederation: { rounds: 3, localEpochs: 2 }\nprivacy: { secureAggregation: { maximalRows: 1000 }, differentialPrivacy: { unit: record, epsilon: 8, delta: 1e-3, clip: 1, accountant: rdp } }";
    private const string Encoded = "arms: [federated]\nfederation: { rounds: 4, localEpochs: 2, encoding: { updates: bf16 } }\nprivacy: { differentialPrivacy: { unit: record, epsilon: 8, delta: 1e-3, clip: 1, accountant: rdp } }";
    private const string Remembered = "arms: [federated]\nfederations: [{ rounds: 4, localEpochs: 2, optimizerState: kept, encoding: { updates: int8 } }, { rounds: 3, localEpochs: 2, strategy: scaffold, personalise: ditto }]\nprivacy: { differentialPrivacy: { unit: record, epsilon: 8, delta: 1e-3, clip: 1, accountant: rdp } }";
    private const string MaskedFromHalf = "arms: [federated]\nfederation: { rounds: 3, localEpochs: 2, encoding: { model: bf16 } }\nprivacy: { secureAggregation: { maximalRows: 1000 } }";
    private const string NoisedMetrics = "arms: [local, federated]\nfederation: { rounds: 3, localEpochs: 2 }\nprivacy: { differentialPrivacy: { unit: record, epsilon: 8, delta: 1e-3, clip: 1, accountant: rdp }, metrics: { epsilon: 3 } }";
    private const string SumNoised = "arms: [federated]\nfederation: { rounds: 3, localEpochs: 2 }\nprivacy: { differentialPrivacy: { unit: site, epsilon: 50, delta: 1e-3, clip: 1 } }";
    private const string Shared = "arms: [federated]\nfederation: { rounds: 3, localEpochs: 2, quorum: 3 }\nprivacy: { secureAggregation: true, differentialPrivacy: { unit: site, epsilon: 50, delta: 1e-3, clip: 1, noise: distributed, adaptive: { countNoise: 20 } } }";

    private readonly LoopbackFederation _federation = new() { Noise = NoisySite.Noise };

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Theory]
    [InlineData(Masked, false)]
    [InlineData(Signed, true)]
    [InlineData(Records, false)]
    [InlineData(MaskedRecords, false)]
    [InlineData(Encoded, false)]
    [InlineData(Remembered, false)]
    [InlineData(MaskedFromHalf, false)]
    [InlineData(NoisedMetrics, false)]
    [InlineData(SumNoised, false)]
    [InlineData(Shared, false)]
    public async Task A_protected_study_over_the_network_ends_with_the_bits_and_the_cost_of_a_local_run(string rest, bool compared)
    {
        var yaml = LoopbackFederation.Yaml(rest, 4);
        await _federation.StartAsync();
        foreach (var site in Sites(4)) _federation.StartSite(site, () => new NoisySite(site), compared: compared);
        await SubmitAsync(yaml);
        await DoneAsync();
        Assert.Equal(await _federation.LocalAsync(yaml, site => new NoisySite(site)), await _federation.NetworkAsync());

        var results = JsonNode.Parse(await File.ReadAllTextAsync(await _federation.ResultsAsync()))!;
        Assert.Equal(rest.Contains("secureAggregation", StringComparison.Ordinal), results["secureAggregation"] is not null);
        // Under masks what all sites reached is known over the network too, as a sum; with noise every number is from noised counts.
        var together = results["evaluation"]!.AsArray().Where(e => (string)e!["site"]! == "*").Select(e => (string)e!["release"]!).Distinct().ToList();
        Assert.Equal(rest.Contains("metrics", StringComparison.Ordinal) ? ["noised"] : rest.Contains("secureAggregation", StringComparison.Ordinal) ? ["summed"] : [], together);
        if (rest.Contains("metrics", StringComparison.Ordinal)) Assert.All(results["evaluation"]!.AsArray(), e => Assert.Equal("noised", (string)e!["release"]!));
        if (!rest.Contains("differentialPrivacy", StringComparison.Ordinal)) return;
        // Each site's own ledger says what the results say: the coordinator counted what the sites were charged for.
        foreach (var told in results["privacy"]!.AsArray())
        {
            var site = (string)told!["site"]!;
            using var ledger = PrivacyLedger.Open(_federation.At("sites", site, PrivacyLedger.FileName), TimeProvider.System);
            var entry = Assert.Single(ledger.Entries());
            Assert.Equal((long)told["answers"]!, entry.Answers);
            Assert.Equal(entry.Reserved.OrderBy(i => i.Count).Select(i => i.Count), entry.Charged.OrderBy(i => i.Count).Select(i => i.Count));
            Assert.True((double)told["epsilon"]! <= (double)told["promised"]! * 1.0001);
        }
    }

    [Theory]
    [InlineData(Signed)]
    [InlineData(MaskedRecords)]
    [InlineData(Remembered)]
    [InlineData(Shared)]
    public async Task Killed_at_every_answer_coordinator_and_sites_go_on_to_the_same_bits(string rest)
    {
        // Every eleventh answer ends a party (a step of a masked round has four of them): the coordinator before it is heard, the coordinator after it is taken, the site that gave it.
        // But not for ever: a masked round has more answers than that, and one that is begun anew each time it was interrupted might always be interrupted at the same place.
        const int MostKills = 40;
        var (answers, kills, moment) = (0, 0, new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously));
        _federation.Between = async (context, next) =>
        {
            if (!context.Request.Path.Value!.EndsWith("/answer", StringComparison.Ordinal) || Interlocked.Increment(ref answers) % 11 != 0 || kills >= MostKills)
            {
                await next();
                return;
            }
            var kind = Interlocked.Increment(ref kills) % 3;
            if (kind == 1) await next();
            moment.TrySetResult(kind == 2 ? context.Request.Headers["Test-Caller"].ToString().Split('|')[0] : "");
            context.Abort(); // whatever was said in return is lost
        };
        var yaml = LoopbackFederation.Yaml(rest, 4);
        await _federation.StartAsync();
        var running = Sites(4).ToDictionary(s => s, s => _federation.StartSite(s, () => new NoisySite(s)));
        await SubmitAsync(yaml);
        var ended = _federation.EndAsync();
        while (await Task.WhenAny(moment.Task, ended) == moment.Task)
        {
            var victim = await moment.Task;
            moment = new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (victim.Length == 0)
            {
                await _federation.StopAsync();
                await _federation.StartAsync();
                ended = _federation.EndAsync();
                continue;
            }
            await running[victim].CancelAsync();
            running[victim] = _federation.StartSite(victim, () => new NoisySite(victim));
        }
        Assert.True((await ended).State == StudyState.Done, string.Join("\n", (await ended).Problems.Select(p => p.ToProblem(""))));
        Assert.True(kills > 2, $"{kills} kills");
        Assert.Equal(await _federation.LocalAsync(yaml, site => new NoisySite(site)), await _federation.NetworkAsync());
    }

    [Fact]
    public async Task A_site_that_leaves_is_dropped_from_masked_rounds_and_the_others_are_summed()
    {
        await _federation.StartAsync();
        foreach (var site in Sites(5)) _federation.StartSite(site);
        await SubmitAsync(LoopbackFederation.Yaml("arms: [federated]\nfederation: { rounds: 12, localEpochs: 2, quorum: 4 }\nprivacy: { secureAggregation: { maximalRows: 1000 } }", 5));
        await _federation.UntilRoundAsync(2);
        using var http = _federation.Client("s4", CallerRole.Site);
        await new Comity.Transport.Clients.SiteClient(http, TimeProvider.System).WithdrawAsync("test-1", default);
        await DoneAsync();
        var contributors = JsonNode.Parse(await File.ReadAllTextAsync(await _federation.ResultsAsync()))!["contributors"]!.AsArray();
        Assert.Equal(12, contributors.Count);
        Assert.Equal(["s0", "s1", "s2", "s3"], contributors.Last()!["contributed"]!.AsArray().Select(s => (string)s!));
        Assert.Equal(["s4"], contributors.Last()!["missing"]!.AsArray().Select(s => (string)s!));
        Assert.Equal(5, contributors[0]!["contributed"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_coordinator_that_puts_its_own_key_in_a_sites_place_is_found_out()
    {
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _federation.SaysKey = site => site == "s1" ? own.ExportSubjectPublicKeyInfo() : _federation.KeyOf(site).ExportSubjectPublicKeyInfo();
        await _federation.StartAsync();
        foreach (var site in Sites(4)) _federation.StartSite(site);
        await SubmitAsync(LoopbackFederation.Yaml(Signed, 4));
        var stopped = await _federation.EndAsync();
        Assert.Equal(StudyState.Stopped, stopped.State);
        // Every site that compared it says so, and s1 itself, whose own key it should be.
        Assert.Equal(["s0", "s1", "s2", "s3"], stopped.Problems.Where(p => p.Code == "partner-key-differs").Select(p => p.Where.Split(':')[0]).Order());
    }

    [Fact]
    public async Task Against_a_coordinator_that_may_lie_keys_that_nobody_compared_are_refused_and_first_keys_stay_otherwise()
    {
        await _federation.StartAsync();
        foreach (var site in Sites(4)) _federation.StartSite(site, compared: false);
        await SubmitAsync(LoopbackFederation.Yaml(Signed, 4), "signed");
        var refused = await _federation.EndAsync("signed");
        Assert.Equal(12, refused.Problems.Count(p => p.Code == "partner-unconfirmed"));

        await SubmitAsync(LoopbackFederation.Yaml(Masked, 4));
        await DoneAsync();
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _federation.SaysKey = site => site == "s1" ? other.ExportSubjectPublicKeyInfo() : _federation.KeyOf(site).ExportSubjectPublicKeyInfo();
        await SubmitAsync(LoopbackFederation.Yaml(Masked, 4), "later");
        var changed = await _federation.EndAsync("later");
        Assert.Equal(4, changed.Problems.Count(p => p.Code == "partner-key-differs"));
    }

    [Fact]
    public async Task A_study_beyond_a_sites_lifetime_budget_is_refused_before_it_starts_and_a_cancelled_one_gives_back()
    {
        await _federation.StartAsync();
        using (var ledger = PrivacyLedger.Open(_federation.At("sites", "s1", PrivacyLedger.FileName), TimeProvider.System))
            ledger.SetBudget(new LifetimeBudget(BudgetScope.Site, "s1", 4, 1e-3));
        foreach (var site in Sites(4)) _federation.StartSite(site, () => new NoisySite(site));
        await SubmitAsync(LoopbackFederation.Yaml(Records, 4));
        var stopped = await _federation.EndAsync();
        var problem = Assert.Single(stopped.Problems);
        Assert.Equal("budget-exceeded", problem.Code);
        Assert.Contains("would fit", problem.Remedy.En, StringComparison.Ordinal);
        await _federation.Author.CancelAsync("test-1", default);

        await SubmitAsync(LoopbackFederation.Yaml(Records.Replace("epsilon: 8", "epsilon: 3", StringComparison.Ordinal), 4), "smaller");
        Assert.Equal(StudyState.Done, (await _federation.EndAsync("smaller")).State);
    }

    [Fact]
    public async Task Records_under_a_name_that_a_sites_ledger_does_not_know_are_released_only_after_its_steward_signed()
    {
        await _federation.StartAsync();
        // What the site calls s1 now was the registry, and had its budget.
        using (var ledger = PrivacyLedger.Open(_federation.At("sites", "s1", PrivacyLedger.FileName), TimeProvider.System))
            ledger.SetBudget(new LifetimeBudget(BudgetScope.DataSet, "registry", 1, 1e-3));
        foreach (var site in Sites(4)) _federation.StartSite(site, () => new NoisySite(site));
        await SubmitAsync(LoopbackFederation.Yaml(Records, 4));
        var problem = Assert.Single((await _federation.EndAsync()).Problems);
        Assert.Equal("data-set-unsigned", problem.Code);
        Assert.Contains("registry", problem.Found.En, StringComparison.Ordinal);
        Assert.Contains("comity site data-set s1 --yes", problem.Remedy.Zh, StringComparison.Ordinal);
        await _federation.Author.CancelAsync("test-1", default);

        new DataSetActs(_federation.At("sites", "s1")).Sign("s1", "steward", DateTimeOffset.UnixEpoch, _federation.KeyOf("s1"));
        await SubmitAsync(LoopbackFederation.Yaml(Records, 4), "signed");
        Assert.Equal(StudyState.Done, (await _federation.EndAsync("signed")).State);
    }

    private static IEnumerable<string> Sites(int count) => Enumerable.Range(0, count).Select(i => $"s{i}");

    private Task SubmitAsync(string yaml, string id = "test-1") => _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml, id), default);

    private async Task DoneAsync()
    {
        var ended = await _federation.EndAsync();
        Assert.True(ended.State == StudyState.Done, string.Join("\n", ended.Problems.Select(p => p.ToProblem(""))));
    }
}
