using Comity.Federation.Rounds;
using Comity.Testing;

namespace Comity.Federation.Tests.Rounds;

public sealed class LeasesTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void A_slow_site_that_gets_on_never_counts_as_absent_and_a_silent_one_does()
    {
        using var leases = new Leases(["slow", "silent"], Patience, _clock);
        for (var minute = 0; minute < 60; minute++)
        {
            _clock.Advance(Patience - TimeSpan.FromSeconds(1));
            leases.Renew("slow");
        }
        Assert.False(leases["slow"].IsCancellationRequested);
        Assert.True(leases["silent"].IsCancellationRequested);
    }

    [Fact]
    public void An_answer_of_one_renews_the_others_who_may_have_waited_for_their_turn_but_brings_nobody_back()
    {
        using var leases = new Leases(["a", "b"], Patience, _clock);
        _clock.Advance(Patience - TimeSpan.FromSeconds(1));
        leases.RenewAll();
        _clock.Advance(Patience - TimeSpan.FromSeconds(1));
        Assert.False(leases["b"].IsCancellationRequested);
        _clock.Advance(TimeSpan.FromSeconds(1));
        leases.RenewAll();
        Assert.True(leases["b"].IsCancellationRequested);
    }

    [Fact]
    public void From_who_has_answered_nothing_is_awaited_any_more()
    {
        using var leases = new Leases(["answered", "asked"], Patience, _clock);
        leases.End("answered");
        leases.RenewAll();
        Assert.Equal(1, _clock.WaitingTimers);
        _clock.Advance(Patience);
        Assert.False(leases["answered"].IsCancellationRequested);
        Assert.True(leases["asked"].IsCancellationRequested);
    }
}
