using Comity.Federation.Rounds;
using Comity.Federation.Tests.Aggregation;

namespace Comity.Federation.Tests.Rounds;

public sealed class SiteMachineTests
{
    private static SiteMessage.Trained Trained(int round, string? refusal = null) => new(UpdatesInMemory.HeaderOf("a", 4, round), new GateVerdict(refusal, 1));

    private static SiteState After(params SiteMessage[] messages) => messages.Aggregate(SiteState.Idle, (state, message) => SiteMachine.Step(state, message).State);

    [Fact]
    public void A_round_is_trained_once_and_sent_again_when_asked_again()
    {
        var (training, train) = SiteMachine.Step(SiteState.Idle, new SiteMessage.Offered(1, true));
        Assert.Equal(new SiteAction.Train(1), train);
        var (answered, send) = SiteMachine.Step(training, Trained(1));
        Assert.IsType<SiteAction.Send>(send);
        var (same, again) = SiteMachine.Step(answered, new SiteMessage.Offered(1, true));
        Assert.Equal(send, again);
        Assert.Equal(answered, same);
    }

    [Fact]
    public void What_the_gate_refused_stays_refused()
    {
        var state = After(new SiteMessage.Offered(1, true), Trained(1, RefusalReason.NotFinite));
        Assert.Equal(new SiteAction.Refuse(RefusalReason.NotFinite), SiteMachine.Step(state, new SiteMessage.Offered(1, true)).Action);
        Assert.Equal(new SiteAction.Train(2), SiteMachine.Step(state, new SiteMessage.Offered(2, true)).Action);
    }

    [Fact]
    public void An_old_round_is_not_trained_again() =>
        Assert.Equal(new SiteAction.Refuse(RefusalReason.WrongRound), SiteMachine.Step(After(new SiteMessage.Offered(2, true), Trained(2)), new SiteMessage.Offered(1, true)).Action);

    [Fact]
    public void Training_that_ends_after_its_round_leaves_no_trace()
    {
        var state = After(new SiteMessage.Offered(1, true), new SiteMessage.Offered(2, true));
        var (after, action) = SiteMachine.Step(state, Trained(1));
        Assert.Null(action);
        Assert.Equal(state, after);
    }

    [Fact]
    public void Another_layout_is_refused_before_anything_is_trained() =>
        Assert.Equal(new SiteAction.Refuse(RefusalReason.WrongShape), SiteMachine.Step(SiteState.Idle, new SiteMessage.Offered(1, LayoutKnown: false)).Action);

    [Fact]
    public void The_gate_judges_in_its_order()
    {
        Assert.Equal(RefusalReason.WrongShape, UpdateGate.Judge([1, float.NaN], 1, 1, 0.1).Refusal);
        Assert.Equal(RefusalReason.NotFinite, UpdateGate.Judge([5, float.PositiveInfinity], 2, 1, 0.1).Refusal);
        Assert.Equal(RefusalReason.NotFinite, UpdateGate.Judge([5, 1, 1, float.NaN], 2, 2, 100).Refusal);
        Assert.Equal(RefusalReason.NormExceeded, UpdateGate.Judge([3, 4], 2, 1, 4.9).Refusal);
        Assert.Equal(new GateVerdict(null, 5), UpdateGate.Judge([3, 4], 2, 1, 5));
        Assert.True(UpdateGate.Judge([3e38f, 3e38f], 2, 1, null).Passed); // the sum of squares is no float, but it is a number
    }
}
