using System.Collections.Concurrent;
using System.Diagnostics;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>One trace follows a round over all parties.</summary>
public sealed class TaskTraceTests : IAsyncDisposable
{
    private const string Model = "federated/fedavg";
    private readonly LoopbackFederation _federation = new();

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_call_of_a_round_carries_its_trace_at_every_site_whether_or_not_anybody_collects_it(bool collected)
    {
        var (spans, calls) = (new ConcurrentQueue<Activity>(), new ConcurrentQueue<(string Key, string Parent)>());
        using var listener = new ActivityListener { ShouldListenTo = s => collected && s.Name == TaskTrace.SourceName, Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded, ActivityStopped = spans.Enqueue };
        ActivitySource.AddActivityListener(listener);
        _federation.Between = (context, next) =>
        {
            if (context.Request.Path.Value!.EndsWith("/answer", StringComparison.Ordinal)) calls.Enqueue(((string)context.Request.RouteValues["key"]!, context.Request.Headers["traceparent"].ToString()));
            return next();
        };
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site);
        var id = $"trace-{collected}"; // other tests' spans reach the listener too
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(LoopbackFederation.Yaml($"arms: [federated]\nfederation: {{ rounds: 3, localEpochs: 2 }}"), id), default);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync(id)).State);
        var model = (await _federation.Author.ViewAsync(id, 0, TimeSpan.Zero, default)).Events.First(e => e.Code == "round-done").Arguments[0];

        for (var round = 1; round <= 3; round++)
        {
            var trace = TaskTrace.OfRound(id, model, 0, round).TraceId;
            Assert.Equal(3, calls.Count(c => c.Parent.Split('-') is [_, var of, _, "01"] && of == trace.ToHexString())); // one of each site, recorded
            if (!collected) continue;
            var parts = spans.Where(s => s.TraceId == trace).Select(s => $"{s.DisplayName} {s.GetTagItem("comity.site")} {s.GetTagItem("comity.round")}").Order(StringComparer.Ordinal);
            Assert.Equal(new[] { "ask", "do" }.SelectMany(p => new[] { "s0", "s1", "s2" }.Select(s => $"{p} round {s} {round}")), parts);
        }
        Assert.All(calls, c => Assert.StartsWith("00-", c.Parent, StringComparison.Ordinal));
    }

    [Fact]
    public void Traces_of_two_rounds_studies_or_repeats_are_not_the_same()
    {
        var ids = new[] { TaskTrace.OfRound("a", Model, 0, 1), TaskTrace.OfRound("a", Model, 0, 2), TaskTrace.OfRound("a", Model, 1, 1), TaskTrace.OfRound("b", Model, 0, 1), TaskTrace.OfRound("a", Model + "2", 0, 1) };
        Assert.Equal(ids.Length, ids.Select(i => i.TraceId).Distinct().Count());
        Assert.Equal(TaskTrace.OfRound("a", Model, 0, 1), TaskTrace.OfRound("a", Model, 0, 1));
    }
}
