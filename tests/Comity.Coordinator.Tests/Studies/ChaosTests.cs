using System.Collections.Concurrent;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>One site behind a bad network, the others well: the study ends with the bits of an undisturbed one, or stops and names the site.</summary>
public sealed class ChaosTests : IAsyncDisposable
{
    private const string Study = "patienceSeconds: 120\narms: [federated]\nfederation: { rounds: 6, localEpochs: 5 }";
    private readonly LoopbackFederation _federation = new();

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Theory]
    [InlineData("latency")]
    [InlineData("resets")]
    [InlineData("slow")]
    public async Task A_bad_line_costs_time_and_no_bit(string what)
    {
        await _federation.StartAsync();
        await using var proxy = new ChaosProxy(_federation.Address.Port, seed: 3)
        {
            Chaos = what switch
            {
                "latency" => new Chaos { Latency = TimeSpan.FromMilliseconds(50) },
                "resets" => new Chaos { Resets = 0.05 },
                _ => new Chaos { BytesPerSecond = 125_000 },
            },
        };
        _federation.StartSite("s0");
        _federation.StartSite("s1");
        _federation.StartSite("s2", through: proxy.Port);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml(Study)), default);

        var ended = await _federation.EndAsync(seconds: 600);

        Assert.True(ended.State == StudyState.Done, string.Join("\n", ended.Problems.Select(p => p.ToProblem(""))));
        if (what == "resets") Assert.True(proxy.ResetsDone > 0, "the proxy reset nothing");
        Assert.Equal(await _federation.LocalAsync(LoopbackFederation.Yaml(Study)), await _federation.NetworkAsync());
    }

    [Fact]
    public async Task Bodies_of_several_chunks_have_connections_of_their_own_and_go_on_where_a_line_was_cut()
    {
        const string Large = "patienceSeconds: 120\narms: [federated]\nfederation: { rounds: 3, strategy: fedavg }";
        var byVersion = new ConcurrentDictionary<(string What, string Protocol), bool>();
        await using var federation = new LoopbackFederation
        {
            Model = new LargeModel(3_000_000),
            Between = async (context, next) =>
            {
                try
                {
                    await next();
                }
                finally
                {
                    var large = (context.Request.ContentLength ?? 0) + (context.Response.ContentLength ?? 0) >= 1 << 20;
                    byVersion[(large ? context.Request.Method : "small", context.Request.Protocol)] = true;
                }
            },
        };
        await federation.StartAsync();
        await using var proxy = new ChaosProxy(federation.Address.Port, seed: 5) { Chaos = new Chaos { Resets = 0.001 } };
        foreach (var (site, through) in new (string, int?)[] { ("s0", null), ("s1", null), ("s2", proxy.Port) }) federation.StartSite(site, () => new LargeSite(site), through: through);
        await federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml(Large)), default);

        var ended = await federation.EndAsync(seconds: 600);

        Assert.True(ended.State == StudyState.Done, string.Join("\n", ended.Problems.Select(p => p.ToProblem(""))));
        Assert.True(proxy.ResetsDone > 0, "the proxy reset nothing");
        Assert.Equal(await federation.LocalAsync(LoopbackFederation.Yaml(Large), site => new LargeSite(site)), await federation.NetworkAsync());
        Assert.Equal(["GET HTTP/1.1", "PUT HTTP/1.1", "small HTTP/2"], byVersion.Keys.Select(k => $"{k.What} {k.Protocol}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_chunk_that_takes_longer_than_silence_may_last_still_arrives()
    {
        const string Large = "patienceSeconds: 60\narms: [federated]\nfederation: { rounds: 1, strategy: fedavg }";
        await using var federation = new LoopbackFederation { Model = new LargeModel(1_200_000) };
        await federation.StartAsync();
        // 4 MiB take ten seconds.
        await using var proxy = new ChaosProxy(federation.Address.Port, seed: 6) { Chaos = new Chaos { BytesPerSecond = 400_000 } };
        federation.StartSite("s0", () => new LargeSite("s0"));
        federation.StartSite("s1", () => new LargeSite("s1"), through: proxy.Port, silence: TimeSpan.FromSeconds(2));
        var yaml = LoopbackFederation.Yaml(Large, sites: 2);
        await federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);

        var ended = await federation.EndAsync(seconds: 600);

        Assert.True(ended.State == StudyState.Done, string.Join("\n", ended.Problems.Select(p => p.ToProblem(""))));
        Assert.Equal(await federation.LocalAsync(yaml, site => new LargeSite(site)), await federation.NetworkAsync());
    }

    [Fact]
    public async Task A_line_that_falls_silent_without_closing_does_not_hang_the_study_and_the_site_is_named()
    {
        await _federation.StartAsync();
        await using var proxy = new ChaosProxy(_federation.Address.Port, seed: 4);
        _federation.StartSite("s0");
        _federation.StartSite("s1");
        _federation.StartSite("s2", through: proxy.Port);
        var yaml = LoopbackFederation.Yaml("patienceSeconds: 10\narms: [federated]\nfederation: { rounds: 200, localEpochs: 5 }");
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        await _federation.UntilRoundAsync(2);
        proxy.Chaos = new Chaos { SilentAfter = 0 };

        var stopped = await _federation.EndAsync(seconds: 300);

        Assert.Equal((StudyState.Stopped, "quorum-missed"), (stopped.State, stopped.Problems.Single().Code));
        Assert.Contains("s2", stopped.Problems[0].Found.En, StringComparison.Ordinal);
        Assert.Contains("s2", stopped.Problems[0].Found.Zh, StringComparison.Ordinal);
    }
}
