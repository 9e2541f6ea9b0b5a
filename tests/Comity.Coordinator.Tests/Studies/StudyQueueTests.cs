using Comity.Coordinator.Studies;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>Several studies at once, as many as their sites have room for.</summary>
public sealed class StudyQueueTests : IAsyncDisposable
{
    private static readonly DateTimeOffset Start = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly string[] All = ["s0", "s1", "s2"];
    private readonly LoopbackFederation _federation = new();

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Fact]
    public async Task Studies_go_in_the_order_in_which_they_were_handed_in_past_those_of_other_sites_and_nobody_is_overtaken()
    {
        var queue = new StudyQueue();
        var told = new Dictionary<string, string>();
        var hour = 0;
        Task<IDisposable> Enter(string study, string sites, CancellationToken cancellationToken = default, int most = 1) =>
            queue.EnterAsync(study, Start.AddHours(hour++), sites.Select(s => s.ToString()).ToDictionary(s => s, _ => most), full => told[study] = string.Concat(full), cancellationToken);

        var a = Enter("a", "x");
        var b = Enter("b", "xy");
        var c = Enter("c", "y");
        var d = Enter("d", "z");
        Assert.Equal((true, false, false, true), (a.IsCompleted, b.IsCompleted, c.IsCompleted, d.IsCompleted));
        Assert.Equal(("x", "y"), (told["b"], told["c"]));
        using var gone = new CancellationTokenSource();
        var e = Enter("e", "x", gone.Token);

        (await a).Dispose();
        (await a).Dispose(); // a second time gives nothing back
        var second = await b;
        Assert.False(c.IsCompleted);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => e);
        var f = Enter("f", "x");
        Assert.False(f.IsCompleted);
        second.Dispose();
        (await c).Dispose();
        (await f).Dispose();
        (await d).Dispose();

        var two = new[] { Enter("g", "x", most: 2), Enter("h", "x", most: 2), Enter("i", "x", most: 2) };
        Assert.Equal([true, true, false], two.Select(t => t.IsCompleted));
        Assert.True(Enter("j", "").IsCompleted); // sites without a bound
    }

    [Fact]
    public async Task A_second_study_waits_for_sites_that_work_on_one_at_a_time_says_so_and_both_end_with_their_bits()
    {
        var yaml = LoopbackFederation.Yaml("arms: [federated]\nfederation: { rounds: 40, localEpochs: 5 }");
        await _federation.StartAsync();
        foreach (var site in All) _federation.StartSite(site, studies: site == "s1" ? 1 : 2);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml, "first"), default);
        while ((await _federation.Author.ViewAsync("first", 0, TimeSpan.Zero, default)).State != StudyState.Running) await Task.Delay(5);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);

        var ended = await _federation.EndAsync("first");
        Assert.Equal(StudyState.Done, ended.State);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        var events = (await _federation.Author.ViewAsync("test-1", 0, TimeSpan.Zero, default)).Events;
        Assert.Equal("s1", Assert.Single(events, e => e.Code == "queued").Arguments.Single());
        var done = (await _federation.Author.ViewAsync("first", 0, TimeSpan.Zero, default)).Events.Single(e => e.Code == "trial-finished").At;
        Assert.True(events.Single(e => e.Code == "running").At >= done);
        Assert.Equal(await _federation.LocalAsync(yaml), await _federation.NetworkAsync());
    }

    [Fact]
    public async Task A_study_that_fails_beside_another_costs_the_other_nothing()
    {
        var yaml = LoopbackFederation.Yaml("arms: [federated]\nfederation: { rounds: 60, localEpochs: 5 }", sites: 2);
        await _federation.StartAsync();
        foreach (var site in All) _federation.StartSite(site, studies: 2);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml("arms: [federated]\nfederation: { rounds: 100000, localEpochs: 5 }"), "fails"), default);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        await _federation.UntilRoundAsync(3); // both are under way: neither waited
        Assert.Equal(StudyState.Running, (await _federation.Author.ViewAsync("fails", 0, TimeSpan.Zero, default)).State);
        using (var http = _federation.Client("s2", Transport.Identity.CallerRole.Site)) await new SiteClient(http, TimeProvider.System).WithdrawAsync("fails", default);

        Assert.Equal("quorum-missed", (await _federation.EndAsync("fails")).Problems.Single().Code);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.Equal(await _federation.LocalAsync(yaml), await _federation.NetworkAsync());
    }
}
