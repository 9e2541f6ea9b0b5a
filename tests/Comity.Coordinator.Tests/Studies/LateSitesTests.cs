using System.Text.Json.Nodes;
using Comity.Transport.Protocol;
using Microsoft.AspNetCore.Http;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>Sites that come after a study has begun: the quorum decides whether it begins without them, and they enter at the next round.</summary>
public sealed class LateSitesTests : IAsyncDisposable
{
    private const string Rest = "patienceSeconds: 4\narms: [local, federated]\nfederations:\n  - { name: a, rounds: 40, localEpochs: 2, quorum: 2, personalise: { kind: fine-tune, epochs: 2 } }";
    private readonly LoopbackFederation _federation = new();
    private int _delay = 30;

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_site_that_comes_late_enters_at_the_next_round_also_after_a_restart(bool restarted)
    {
        await BeginAsync(Rest);
        await _federation.UntilRoundAsync(3);
        if (restarted) await RestartAsync();
        _federation.StartSite("s2");
        await EventAsync("site-entered");
        if (restarted) await RestartAsync();
        _delay = 0;

        var results = await DoneAsync();
        var rounds = results["contributors"]!.AsArray();
        Assert.Equal(40, rounds.Count);
        var first = rounds.ToList().FindIndex(r => Contributed(r!).Contains("s2"));
        Assert.InRange(first, 3, 39);
        Assert.All(rounds.Take(first), r => Assert.Contains("s2", r!["missing"]!.AsArray().Select(s => (string)s!)));
        // After a restart of the coordinator a site may be away for longer than these four seconds, and return.
        Assert.All(restarted ? [rounds[^1]] : rounds.Skip(first), r => Assert.Equal(["s0", "s1", "s2"], Contributed(r!)));
        // All that it would have had from the start.
        Assert.Equal(["federated/a", "federated/a+s0", "federated/a+s1", "federated/a+s2", "local/s0", "local/s1", "local/s2"], Models(results));
        Assert.True(IsJudgedAt(results, "s2"));
        Assert.Contains(results["benefit"]!.AsArray(), b => (string?)b!["site"] == "s2");
        Assert.DoesNotContain(results["warnings"]!.AsArray(), w => (string)w!["code"]! == "site-absent");
    }

    [Fact]
    public async Task A_site_that_never_comes_is_named_and_the_others_have_their_results()
    {
        _delay = 0;
        await BeginAsync(Rest);

        var results = await DoneAsync();
        Assert.Equal(["federated/a", "federated/a+s0", "federated/a+s1", "local/s0", "local/s1"], Models(results));
        Assert.Equal(["s2"], results["warnings"]!.AsArray().Where(w => (string)w!["code"]! == "site-absent").SelectMany(w => w!["arguments"]!.AsArray()).Select(a => (string)a!));
        Assert.Equal([true, true, false], new[] { "s0", "s1", "s2" }.Select(s => IsJudgedAt(results, s)));
        Assert.Equal("s2", (await EventAsync("running-without")).Arguments.Single());
    }

    [Fact]
    public async Task A_late_site_that_refuses_is_named_and_stops_nothing()
    {
        await BeginAsync(Rest);
        await _federation.UntilRoundAsync(2);
        _federation.StartSite("s2", refuses: () => "contract-column-missing");
        Assert.Equal("s2", (await EventAsync("site-refused")).Arguments.Single());
        _delay = 0;

        Assert.DoesNotContain("local/s2", Models(await DoneAsync()));
    }

    [Fact]
    public async Task A_site_that_left_before_the_study_began_is_not_waited_for()
    {
        await _federation.StartAsync();
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml(Rest.Replace("patienceSeconds: 4", "patienceSeconds: 600", StringComparison.Ordinal))), default);
        using var http = _federation.Client("s2", Comity.Transport.Identity.CallerRole.Site);
        await new Comity.Transport.Clients.SiteClient(http, TimeProvider.System).WithdrawAsync("test-1", default);
        foreach (var site in new[] { "s0", "s1" }) _federation.StartSite(site);

        Assert.Contains((await DoneAsync())["warnings"]!.AsArray(), w => (string)w!["code"]! == "site-withdrew");
    }

    [Fact]
    public async Task A_late_site_waits_for_room_where_it_works_on_another_study()
    {
        await BeginAsync(Rest);
        await _federation.UntilRoundAsync(2);
        // Another study of all three sites was handed in first to s2: s0 and s1 take any number.
        var hold = await _federation.Server.Queue.EnterAsync("other", DateTimeOffset.UnixEpoch, new Dictionary<string, int> { ["s2"] = 1 }, _ => { }, default);
        _federation.StartSite("s2", studies: 1);
        await EventAsync("site-busy");
        var missing = await _federation.Author.ViewAsync("test-1", 0, TimeSpan.Zero, default);
        Assert.DoesNotContain(missing.Events, e => e.Code == "site-entered");
        hold.Dispose();
        await EventAsync("site-entered");
        _delay = 0;

        Assert.Contains("s2", Contributed((await DoneAsync())["contributors"]!.AsArray()[^1]!));
        // The room is given back.
        using var next = await _federation.Server.Queue.EnterAsync("next", DateTimeOffset.UtcNow, new Dictionary<string, int> { ["s2"] = 1 }, _ => { }, default).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_study_that_needs_all_waits_for_all()
    {
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1" }) _federation.StartSite(site);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml("patienceSeconds: 4\narms: [federated]\nfederation: { rounds: 3 }")), default);
        await EventAsync("site-joined", 2);
        await Task.Delay(TimeSpan.FromSeconds(6));
        var waiting = await _federation.Author.ViewAsync("test-1", 0, TimeSpan.Zero, default);
        Assert.Equal(StudyState.Joining, waiting.State);
        Assert.Equal(["s2"], waiting.Sites.Where(s => s.Stalled).Select(s => s.Site)); // whom it waits for is named

        _federation.StartSite("s2");
        Assert.All((await DoneAsync())["contributors"]!.AsArray(), r => Assert.Equal(3, Contributed(r!).Length));
    }

    private async Task BeginAsync(string rest)
    {
        _federation.Between = async (context, next) =>
        {
            if (context.Request.Headers["Test-Caller"] == "s0|Site" && context.Request.Path.Value!.EndsWith("/answer", StringComparison.Ordinal)) await Task.Delay(_delay);
            await next();
        };
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1" }) _federation.StartSite(site);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml(rest)), default);
    }

    private async Task RestartAsync()
    {
        await _federation.StopAsync();
        await _federation.StartAsync();
    }

    private async Task<StudyEventView> EventAsync(string code, int times = 1)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            var view = await _federation.Author.ViewAsync("test-1", 0, TimeSpan.Zero, limit.Token);
            if (view.Events.Where(e => e.Code == code).ToList() is { } found && found.Count >= times) return found[^1];
            Assert.True(view.State is StudyState.Joining or StudyState.Running, $"{view.State} before {code}");
            await Task.Delay(10, limit.Token);
        }
    }

    private async Task<JsonNode> DoneAsync()
    {
        var ended = await _federation.EndAsync();
        Assert.True(ended.State == StudyState.Done, string.Join("\n", ended.Problems.Select(p => p.ToProblem(""))));
        return JsonNode.Parse(await File.ReadAllTextAsync(await _federation.ResultsAsync()))!;
    }

    private static string[] Contributed(JsonNode round) => [.. round["contributed"]!.AsArray().Select(s => (string)s!)];

    private static IEnumerable<string> Models(JsonNode results) => results["models"]!.AsArray().Select(m => (string)m!["id"]!).Order(StringComparer.Ordinal);

    private static bool IsJudgedAt(JsonNode results, string site) =>
        results["evaluation"]!.AsArray().Any(e => (string)e!["site"]! == site && e.ToJsonString().Contains("\"mse\"", StringComparison.Ordinal));
}
