using Comity.Federation.Rounds;
using Comity.Federation.Tests.Aggregation;

namespace Comity.Federation.Tests.Rounds;

public sealed class CoordinatorMachineTests
{
    private static readonly RoundPlan Plan = new(3, ["a", "b", "c"], 2, []);

    private static CoordinatorMessage.UpdateArrived Update(string site, int round = 3, string? refusal = null, string digest = "d", string? arrived = null, int rows = 10) =>
        new(UpdatesInMemory.HeaderOf(site, 4, round, rows, digest: digest), new GateVerdict(refusal, 1), arrived ?? digest);

    private static (CoordinatorState State, List<CoordinatorAction> Actions) Run(RoundPlan plan, params CoordinatorMessage[] messages)
    {
        var (state, started) = CoordinatorMachine.Start(plan, []);
        var actions = started.ToList();
        foreach (var message in messages)
        {
            (state, var more) = CoordinatorMachine.Step(state, message);
            actions.AddRange(more);
        }
        return (state, actions);
    }

    [Fact]
    public void A_round_asks_its_cohort_and_closes_when_all_answered()
    {
        var (state, actions) = Run(Plan, Update("c"), Update("a"), Update("b"));
        Assert.Equal(["a", "b", "c"], actions.OfType<CoordinatorAction.Offer>().Select(o => o.Site));
        Assert.Equal(3, actions.OfType<CoordinatorAction.Take>().Count());
        Assert.Equal(["a", "b", "c"], Assert.IsType<RoundOutcome.Aggregated>(state.Outcome).Sites);
    }

    [Fact]
    public void A_silent_site_is_left_out_where_the_quorum_allows()
    {
        var (state, _) = Run(Plan, Update("a"), Update("c"), new CoordinatorMessage.DeadlinePassed());
        Assert.Equal(["a", "c"], Assert.IsType<RoundOutcome.Aggregated>(state.Outcome).Sites);
        Assert.Equal(["b"], state.Silent);
    }

    [Fact]
    public void A_round_that_misses_its_quorum_is_an_outcome_not_an_exception()
    {
        var (state, _) = Run(Plan, Update("a"), new CoordinatorMessage.SiteLost("b"), new CoordinatorMessage.DeadlinePassed());
        Assert.Equal(new RoundOutcome.QuorumMissed(Replied: 1, Required: 2), state.Outcome);
    }

    [Fact]
    public void A_required_site_must_answer_even_where_the_quorum_is_met()
    {
        var (state, _) = Run(Plan with { Required = ["b"] }, Update("a"), Update("c"), new CoordinatorMessage.SiteRefused("b", 3, RefusalReason.NotFinite));
        Assert.Equal(["b"], Assert.IsType<RoundOutcome.RequiredSiteMissing>(state.Outcome).Sites);
    }

    [Theory]
    [InlineData(RefusalReason.NotFinite)]
    [InlineData(RefusalReason.WrongShape)]
    [InlineData(RefusalReason.NormExceeded)]
    public void What_the_gate_refuses_is_rejected_by_name_and_the_round_goes_on(string reason)
    {
        var (state, actions) = Run(Plan, Update("a", refusal: reason), Update("b"), Update("c"));
        Assert.Contains(new CoordinatorAction.Reject("a", reason), actions);
        Assert.Equal(reason, state.Rejected["a"]);
        Assert.Equal(["b", "c"], Assert.IsType<RoundOutcome.Aggregated>(state.Outcome).Sites);
    }

    [Fact]
    public void A_resend_is_acknowledged_again_and_counts_once()
    {
        var (state, actions) = Run(Plan, Update("a"), Update("a"), Update("b"), Update("c"));
        Assert.Single(actions.OfType<CoordinatorAction.Take>(), t => t.Header.Site == "a");
        Assert.Contains(new CoordinatorAction.AcknowledgeAgain("a"), actions);
        Assert.Equal(3, Assert.IsType<RoundOutcome.Aggregated>(state.Outcome).Sites.Count);
    }

    [Fact]
    public void Other_bytes_for_an_update_already_taken_are_refused_and_the_first_stand()
    {
        var (state, actions) = Run(Plan, Update("a"), Update("a", digest: "other"));
        Assert.Contains(new CoordinatorAction.Reject("a", RefusalReason.Conflicting), actions);
        Assert.Equal("d", state.Received["a"].Sha256);
    }

    [Theory]
    [InlineData("a", 2, RefusalReason.WrongRound)]
    [InlineData("a", 4, RefusalReason.WrongRound)]
    [InlineData("z", 3, RefusalReason.NotInvited)]
    public void Replays_and_strangers_are_refused_and_change_nothing(string site, int round, string reason)
    {
        var (before, _) = Run(Plan);
        var (after, actions) = CoordinatorMachine.Step(before, Update(site, round));
        Assert.Equal([new CoordinatorAction.Reject(site, reason)], actions);
        Assert.Same(before, after);
    }

    [Fact]
    public void A_body_that_is_not_the_one_announced_is_refused_and_may_be_sent_again()
    {
        var (state, actions) = Run(Plan, Update("a", arrived: "torn"), Update("a"), Update("b"), Update("c"));
        Assert.Contains(new CoordinatorAction.Reject("a", RefusalReason.WrongDigest), actions);
        Assert.Equal(["a", "b", "c"], Assert.IsType<RoundOutcome.Aggregated>(state.Outcome).Sites);
    }

    [Fact]
    public void A_site_without_rows_is_refused() =>
        Assert.Equal(RefusalReason.NoRows, Run(Plan, Update("a", rows: 0)).State.Rejected["a"]);

    [Fact]
    public void An_update_after_the_end_is_refused()
    {
        var (state, _) = Run(Plan, Update("a"), Update("b"), new CoordinatorMessage.DeadlinePassed());
        var (after, actions) = CoordinatorMachine.Step(state, Update("c"));
        Assert.Equal([new CoordinatorAction.Reject("c", RefusalReason.WrongRound)], actions);
        Assert.Same(state, after);
    }

    [Fact]
    public void Updates_spooled_by_an_earlier_process_count_and_their_sites_are_not_asked_again()
    {
        var (_, actions) = CoordinatorMachine.Start(Plan, [UpdatesInMemory.HeaderOf("b", 4, 3)]);
        Assert.Equal(["a", "c"], actions.OfType<CoordinatorAction.Offer>().Select(o => o.Site));
        var (done, _) = CoordinatorMachine.Start(Plan, [UpdatesInMemory.HeaderOf("a", 4, 3), UpdatesInMemory.HeaderOf("b", 4, 3), UpdatesInMemory.HeaderOf("c", 4, 3)]);
        Assert.IsType<RoundOutcome.Aggregated>(done.Outcome);
    }

    [Fact]
    public void Contributors_do_not_depend_on_the_order_of_answers()
    {
        CoordinatorMessage[] answers = [Update("a"), new CoordinatorMessage.SiteRefused("b", 3, RefusalReason.NotFinite), Update("c")];
        int[][] orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        Assert.All(orders, order => Assert.Equal(["a", "c"], Assert.IsType<RoundOutcome.Aggregated>(Run(Plan, [.. order.Select(i => answers[i])]).State.Outcome).Sites));
    }
}
