using Comity.Testing;

namespace Comity.Conventions.Tests.Testing;

public sealed class ManualTimeProviderTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void Timers_fire_in_the_order_of_their_due_times_and_see_that_time()
    {
        var start = _clock.GetUtcNow();
        var fired = new List<(string Name, double Seconds)>();
        void Record(object? name) => fired.Add(((string)name!, (_clock.GetUtcNow() - start).TotalSeconds));
        using var late = _clock.CreateTimer(Record, "late", TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
        using var ticking = _clock.CreateTimer(Record, "tick", TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2));

        _clock.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal([("tick", 2), ("tick", 4), ("late", 5), ("tick", 6)], fired);
        Assert.Equal(TimeSpan.FromSeconds(6), _clock.GetElapsedTime(0));
    }

    [Fact]
    public void A_stopped_timer_does_not_fire()
    {
        var fired = 0;
        var timer = _clock.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        _clock.Advance(TimeSpan.FromSeconds(1));
        timer.Dispose();
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, fired);
        Assert.False(timer.Change(TimeSpan.Zero, TimeSpan.Zero));
    }

    [Fact]
    public async Task Delays_and_deadlines_of_the_platform_follow_it()
    {
        var delay = Task.Delay(TimeSpan.FromMinutes(5), _clock);
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(10), _clock);
        _clock.Advance(TimeSpan.FromMinutes(5));
        await delay.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.False(deadline.IsCancellationRequested);
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.True(deadline.IsCancellationRequested);
    }
}
