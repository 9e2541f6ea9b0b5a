using Comity.Transport.Protocol;
using Comity.Transport.Sites;
using Microsoft.AspNetCore.Http;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>A disk without room at either end: whoever can make room is told, nothing is lost, and the study goes on once there is some.</summary>
public sealed class FullDiskTests : IAsyncDisposable
{
    private const string Rest = "arms: [federated]\nfederation: { rounds: 2, strategy: fedavg }";

    private readonly LoopbackFederation _federation = new() { Model = new LargeModel() };

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Fact]
    public async Task An_answer_that_the_coordinators_disk_has_no_room_for_waits_at_the_site()
    {
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _federation.Between = async (context, next) =>
        {
            await next();
            if (context.Response.StatusCode == StatusCodes.Status507InsufficientStorage) refused.TrySetResult();
        };
        await _federation.StartAsync();
        _federation.Server.KeptFree = long.MaxValue / 2;
        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site, () => new LargeSite(site));
        var yaml = LoopbackFederation.Yaml(Rest);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);

        await refused.Task.WaitAsync(TimeSpan.FromMinutes(20));
        Assert.NotEqual(StudyState.Done, (await _federation.Author.ViewAsync("test-1", 0, TimeSpan.Zero, default)).State);
        _federation.Server.KeptFree = 0;
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.Equal(await _federation.LocalAsync(yaml, site => new LargeSite(site)), await _federation.NetworkAsync());
    }

    [Fact]
    public async Task A_site_whose_share_of_the_disk_is_full_says_so_and_goes_on_with_a_larger_one()
    {
        var full = new TaskCompletionSource<SiteAgentEvent.DiskShareFull>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _federation.StartAsync();
        foreach (var site in new[] { "s0", "s1" }) _federation.StartSite(site, () => new LargeSite(site));
        var small = _federation.StartSite("s2", () => new LargeSite("s2"), diskBytes: 2 << 20, events: new Heard(e =>
        {
            if (e is SiteAgentEvent.DiskShareFull one) full.TrySetResult(one);
        }));
        var yaml = LoopbackFederation.Yaml(Rest);
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);

        var told = await full.Task.WaitAsync(TimeSpan.FromMinutes(20));
        Assert.Equal((4, 2), (told.NeededMebibytes, told.LimitMebibytes)); // the model of 1.6 MB and an answer like it
        await small.CancelAsync();
        _federation.StartSite("s2", () => new LargeSite("s2"), diskBytes: 1 << 30);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.Equal(await _federation.LocalAsync(yaml, site => new LargeSite(site)), await _federation.NetworkAsync());
    }

    private sealed class Heard(Action<SiteAgentEvent> then) : IProgress<SiteAgentEvent>
    {
        public void Report(SiteAgentEvent value) => then(value);
    }
}
