using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;
using Comity.Transport.Sites;
using Microsoft.AspNetCore.Http;

namespace Comity.Coordinator.Tests.Studies;

public sealed class NetworkStudyTests : IAsyncDisposable
{
    private const string Simple = "arms: [local, federated]\nfederation: { rounds: 3, localEpochs: 5 }";
    private readonly LoopbackFederation _federation = new();

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Theory]
    [InlineData(Simple)]
    [InlineData("arms: [local, federated]\nrepeats: 2\nfederations:\n  - { name: s, strategy: scaffold, rounds: 4, localEpochs: 5 }\n  - { name: p, strategy: { kind: fedprox, mu: 0.1 }, rounds: 3, cohort: 2, quorum: 1, personalise: { kind: fine-tune, epochs: 3 } }\n  - { name: d, rounds: 3, optimizerState: kept, personalise: { kind: ditto, lambda: 0.5 } }")]
    [InlineData("search: { values: { training.optimizer.learningRate: [0.001, 0.05] } }\narms: [local, federated]\nfederation: { rounds: 3, localEpochs: 2, personalise: { kind: fine-tune, epochs: 2 }, search: { values: { training.optimizer.learningRate: [0.001, 0.05], localEpochs: [1, 4] }, rounds: 2, judgedBy: sites } }")]
    [InlineData("arms: [federated]\nfederations:\n  - { name: b, rounds: 3, localEpochs: 5, encoding: { updates: bf16 } }\n  - { name: h, rounds: 3, localEpochs: 5, strategy: fedadam, encoding: { updates: fp16 } }\n  - { name: i, rounds: 5, localEpochs: 5, cohort: 2, encoding: { updates: int8 }, personalise: { kind: ditto, lambda: 0.5 } }\n  - { name: t, rounds: 5, localEpochs: 5, encoding: { updates: { kind: top-k, fraction: 0.25 } } }\n  - { name: m, rounds: 3, localEpochs: 5, strategy: scaffold, encoding: { model: bf16 } }\n  - { name: n, rounds: 3, localEpochs: 5, encoding: { updates: int8, model: fp16 }, personalise: { kind: ditto, lambda: 0.5 } }")]
    public async Task A_study_over_the_network_ends_with_the_bits_of_a_local_run(string rest)
    {
        var yaml = LoopbackFederation.Yaml(rest);
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site);

        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        var ended = await _federation.EndAsync();

        Assert.True(ended.State == StudyState.Done, string.Join("\n", ended.Problems.Select(p => p.ToProblem(""))));
        Assert.Equal(await _federation.LocalAsync(yaml), await _federation.NetworkAsync());
    }

    [Theory]
    [InlineData("strategy: scaffold")]
    [InlineData("encoding: { updates: int8, model: bf16 }")]
    public async Task A_coordinator_and_sites_that_are_restarted_in_mid_study_end_with_the_same_bits(string what)
    {
        var yaml = LoopbackFederation.Yaml($"arms: [local, federated]\nfederation: {{ {what}, rounds: 30, localEpochs: 5 }}");
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1" }) _federation.StartSite(site);
        var third = _federation.StartSite("s2");
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);

        await _federation.UntilRoundAsync(5);
        await third.CancelAsync();
        await _federation.StopAsync();
        await _federation.StartAsync();
        await Task.Delay(300);
        _federation.StartSite("s2");
        await _federation.UntilRoundAsync(15);
        await _federation.StopAsync();
        await _federation.StartAsync();

        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.Equal(await _federation.LocalAsync(yaml), await _federation.NetworkAsync());
    }

    [Fact]
    public async Task A_site_that_refuses_stops_the_study_with_its_reasons_and_may_change_its_mind()
    {
        string? refusal = "contract-column-missing";
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1" }) _federation.StartSite(site);
        _federation.StartSite("s2", refuses: () => refusal);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml(Simple)), default);

        var stopped = await _federation.EndAsync();
        Assert.Equal(StudyState.Stopped, stopped.State);
        Assert.Equal("contract-column-missing", Assert.Single(stopped.Problems).Code);
        Assert.Contains("s2", stopped.Problems[0].Where, StringComparison.Ordinal);

        refusal = null;
        await _federation.Author.ResumeAsync("test-1", default);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
    }

    [Fact]
    public async Task A_site_that_stays_silent_is_named_and_the_others_go_on_where_the_quorum_allows_it()
    {
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1" }) _federation.StartSite(site);
        var third = _federation.StartSite("s2");
        var yaml = LoopbackFederation.Yaml("patienceSeconds: 6\narms: [federated]\nfederation: { rounds: 5, localEpochs: 5, quorum: 2 }");
        _federation.Between = async (context, next) =>
        {
            if (context.Request.Headers["Test-Caller"] == "s0|Site" && context.Request.Path.Value!.EndsWith("/answer", StringComparison.Ordinal)) await Task.Delay(50);
            await next();
        };
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        await _federation.UntilRoundAsync(2);
        await third.CancelAsync();

        // Judging needs every site: the study stops there and names who is missing, and the rounds had gone on without it.
        var stopped = await _federation.EndAsync();
        Assert.Equal((StudyState.Stopped, "site-silent"), (stopped.State, stopped.Problems.FirstOrDefault()?.Code));
        Assert.Equal("s2", stopped.Problems[0].Where);

        _federation.StartSite("s2");
        await _federation.Author.ResumeAsync("test-1", default);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        var contributors = JsonNode.Parse(await File.ReadAllTextAsync(await _federation.ResultsAsync()))!["contributors"]!.AsArray();
        Assert.Contains(contributors, r => r!["missing"]!.AsArray().Select(s => (string)s!).SequenceEqual(["s2"]) && r["contributed"]!.AsArray().Count == 2);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_site_that_speaks_another_version_is_told_which_are_spoken_here(int version)
    {
        await _federation.StartAsync();
        using var http = _federation.Client("s0", Comity.Transport.Identity.CallerRole.Site);
        using var answer = await http.PostAsJsonAsync("/v1/work", new WorkRequest(version, [], 1, 0, []), WireJson.Options);

        Assert.Equal(System.Net.HttpStatusCode.UpgradeRequired, answer.StatusCode);
        var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Equal("protocol-unknown", (string)problem["code"]!);
        Assert.Contains($"{version}", problem["found"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Losses_of_one_site_stand_in_the_results_only_where_its_owner_shows_them(bool shown)
    {
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site, releaseLoss: shown);
        var yaml = LoopbackFederation.Yaml("arms: [local, federated]\nfederations:\n  - { name: all, rounds: 3, localEpochs: 5 }\n  - { name: one, rounds: 6, cohort: 1 }");
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);

        var history = JsonNode.Parse(await File.ReadAllTextAsync(await _federation.ResultsAsync()))!["history"]!.AsArray().ToLookup(h => (string)h!["model"]!, h => h!["loss"]?.ToJsonString());
        Assert.All(history["federated/all"], loss => Assert.True(double.TryParse(loss, System.Globalization.CultureInfo.InvariantCulture, out var value) && double.IsFinite(value), loss));
        foreach (var site in new[] { "s0", "s1", "s2" })
        {
            Assert.NotEmpty(history[$"local/{site}"]);
            Assert.All(history[$"local/{site}"], loss => Assert.Equal(shown, double.TryParse(loss, System.Globalization.CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)));
        }
        Assert.Equal(6, history["federated/one"].Count());
        Assert.All(history["federated/one"], loss => Assert.False(double.TryParse(loss, System.Globalization.CultureInfo.InvariantCulture, out var value) && double.IsFinite(value), loss));
    }

    [Fact]
    public async Task A_site_whose_calls_are_answered_by_a_proxys_page_for_a_while_goes_on_afterwards()
    {
        var blocked = 0;
        _federation.Between = async (context, next) =>
        {
            if (context.Request.Headers["Test-Caller"] == "s2|Site" && Interlocked.Increment(ref blocked) is > 2 and < 7)
            {
                context.Response.StatusCode = 403;
                await context.Response.WriteAsync("<html>Access to this site is blocked.</html>");
                return;
            }
            await next();
        };
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site);
        var yaml = LoopbackFederation.Yaml(Simple);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);

        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.True(blocked >= 7);
        Assert.Equal(await _federation.LocalAsync(yaml), await _federation.NetworkAsync());
    }

    [Fact]
    public async Task A_site_that_leaves_ends_nothing_where_the_quorum_allows_it_and_what_stays_of_it_is_said()
    {
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site);
        var yaml = LoopbackFederation.Yaml("arms: [local, federated]\nfederation: { rounds: 40, localEpochs: 5, quorum: 2 }");
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        await _federation.UntilRoundAsync(3);

        // Only the mark: the coordinator hears of it from the site's own process, with the next task that it asks for.
        var withdrawals = new Withdrawals(_federation.At("sites", "s2"));
        withdrawals.Leave("test-1", TimeProvider.System.GetUtcNow());

        var ended = await _federation.EndAsync();
        Assert.True(ended.State == StudyState.Done, string.Join("\n", ended.Problems.Select(p => p.ToProblem(""))));
        while (withdrawals.Recorded("test-1")?.Told is null) await Task.Delay(10); // the site leaves beside the study, which does not wait for it
        var left = withdrawals.Recorded("test-1")!;
        Assert.True(left.Files > 0 && left.Bytes > 0);
        Assert.False(Directory.Exists(_federation.At("sites", "s2", "studies", "test-1")));
        using var http = _federation.Client("s2", Comity.Transport.Identity.CallerRole.Site);
        var remains = Assert.Single((await new SiteClient(http, TimeProvider.System).WithdrawAsync("test-1", default)).Remains);
        Assert.Equal(("federated/fedavg", 0), (remains.Model, remains.Repeat));
        Assert.InRange(remains.Rounds.Count, 3, 39);
        Assert.Equal(remains.Rounds, left.Told!.Remains.Single().Rounds);

        var results = JsonNode.Parse(await File.ReadAllTextAsync(await _federation.ResultsAsync()))!;
        Assert.DoesNotContain("s2", results["contributors"]!.AsArray().Last()!["contributed"]!.AsArray().Select(c => (string)c!));
        Assert.Contains(results["warnings"]!.AsArray(), w => (string)w!["code"]! == "site-withdrew");
        Assert.All(results["evaluation"]!.AsArray().Where(e => (string)e!["site"]! == "s2"), e => Assert.DoesNotContain("mse", e!.ToJsonString(), StringComparison.Ordinal));

        // What only the study's course needed is gone.
        Assert.False(Directory.Exists(_federation.At("coordinator", "test-1", "run", "state", "rounds")));
        Assert.Empty(Directory.EnumerateFiles(_federation.At("coordinator", "uploads"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_site_that_leaves_stops_a_study_that_needs_all_and_is_named()
    {
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml("arms: [federated]\nfederation: { rounds: 200, localEpochs: 5 }")), default);
        await _federation.UntilRoundAsync(2);
        using var http = _federation.Client("s2", Comity.Transport.Identity.CallerRole.Site);
        await new SiteClient(http, TimeProvider.System).WithdrawAsync("test-1", default);

        var stopped = await _federation.EndAsync();
        Assert.Equal((StudyState.Stopped, "quorum-missed"), (stopped.State, stopped.Problems.Single().Code));
        Assert.Contains("s2", stopped.Problems[0].Found.En, StringComparison.Ordinal);
        Assert.Contains((await _federation.Author.ViewAsync("test-1", 0, TimeSpan.Zero, default)).Events, e => e.Code == "site-withdrew" && e.Arguments.Single() == "s2");
    }

    [Fact]
    public async Task A_study_for_a_site_that_nobody_approved_or_with_sources_is_refused_when_it_is_handed_in()
    {
        await _federation.StartAsync();
        _federation.Approved.Remove("s1");
        var unapproved = await Assert.ThrowsAsync<WireException>(() => _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml(Simple)), default));
        Assert.Equal("site-not-approved", unapproved.Told.Code);

        var yaml = LoopbackFederation.Yaml(Simple).Replace("{ id: s0, market: us }", "{ id: s0, market: us, source: { csv: mine.csv } }", StringComparison.Ordinal);
        var carrying = await Assert.ThrowsAsync<WireException>(() => _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default));
        Assert.Equal("study-carries-sources", carrying.Told.Code);

        Assert.Empty((await _federation.Author.ListAsync(default)).Studies);
    }

    [Fact]
    public async Task A_coordinator_that_does_not_know_an_encoding_says_so_when_the_study_is_handed_in()
    {
        await _federation.StartAsync();
        var newer = await Assert.ThrowsAsync<WireException>(() => _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml("arms: [federated]\nfederation: { rounds: 3, encoding: { updates: fp4 } }")), default));
        Assert.Equal("unknown-choice", newer.Told.Code);
        Assert.Contains("bf16", newer.Told.Expected.En, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_submission_sent_twice_makes_one_study_and_a_cancelled_study_leaves_nothing_open()
    {
        await _federation.StartAsync();
        var submission = LoopbackFederation.Submission(LoopbackFederation.Yaml(Simple));
        await _federation.Author.SubmitAsync(submission, default);
        await _federation.Author.SubmitAsync(submission, default);
        Assert.Single((await _federation.Author.ListAsync(default)).Studies);

        Assert.Equal(StudyState.Cancelled, (await _federation.Author.CancelAsync("test-1", default)).State);
        Assert.Empty((await _federation.Author.ViewAsync("test-1", 0, TimeSpan.Zero, default)).Sites.SelectMany(s => s.Tasks));
    }
}
