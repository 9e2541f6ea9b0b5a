using Comity.Coordinator.Studies;
using Comity.Federation.Runs;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>What watchers see, and what they don't.</summary>
public sealed class WatchedStudyTests
{
    [Fact]
    public async Task The_bytes_of_a_site_are_those_of_the_study_that_is_watched_with_what_travels_inside_messages()
    {
        var desk = new SiteDesk("berlin", TimeProvider.System);
        desk.Moved("hearts-1", 100, 7);
        desk.Moved("lungs-1", 20, 0);
        desk.Open(new OpenTask(new SiteTask("key", "lungs-1", TaskKind.Train, WireJson.ToElement(new object()), [new BodyReference("parameters", "d", 48, 1024) { Inline = "AA==" }, new BodyReference("study", "e", 9000, 1024)]),
            new Dictionary<string, BodySource>(), 0, _ => { }));
        Assert.Single(await desk.NextAsync([], 1, TimeSpan.Zero, default));

        Assert.Equal((100, 7), (desk.View("hearts-1", null).BytesIn, desk.View("hearts-1", null).BytesOut));
        Assert.Equal((20, 48), (desk.View("lungs-1", null).BytesIn, desk.View("lungs-1", null).BytesOut));
        Assert.Equal((0, 0), (desk.View("bones-1", null).BytesIn, desk.View("bones-1", null).BytesOut));
    }

    [Fact]
    public async Task The_loss_of_a_round_with_one_contributor_is_that_sites_and_not_shown()
    {
        var log = new StudyLog(TimeProvider.System);
        log.Report(new StudyEvent.RoundDone("federated/a", 0, 1, 5, 0.25, 2, 0, 0));
        log.Report(new StudyEvent.RoundDone("federated/a", 0, 2, 5, 0.125, 1, 0, 1));
        var told = await log.AfterAsync(0, TimeSpan.Zero, default);
        Assert.Equal(["0.2500", "-"], told.Select(e => e.Arguments[4]));
    }
}
