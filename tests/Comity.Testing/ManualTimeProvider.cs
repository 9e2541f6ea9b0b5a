namespace Comity.Testing;

/// <summary>A clock that stands still until a test moves it; timers fire, in order of their due times, within <see cref="Advance"/>.</summary>
/// <remarks>A callback runs on the thread that advances, and sees the time at which it was due.</remarks>
public sealed class ManualTimeProvider : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private readonly DateTimeOffset _start;
    private DateTimeOffset _now;
    private long _created;

    /// <summary>A clock that starts at 2030-01-01 00:00 UTC.</summary>
    public ManualTimeProvider() : this(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero)) { }

    /// <param name="start">The first moment.</param>
    public ManualTimeProvider(DateTimeOffset start) => (_start, _now) = (start, start);

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate) return _now;
    }

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp() => (GetUtcNow() - _start).Ticks;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Timers that still wait, so that a test can tell that a deadline was set.</summary>
    public int WaitingTimers
    {
        get { lock (_gate) return _timers.Count(t => t.Due is not null); }
    }

    /// <summary>Moves the clock on and fires every timer that falls due on the way, periodic ones as often as they do.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The step is negative: time does not run backwards.</exception>
    public void Advance(TimeSpan step)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, TimeSpan.Zero);
        var end = GetUtcNow() + step;
        while (TakeNextDue(end) is { } timer) timer.Fire();
        lock (_gate)
        {
            if (_now < end) _now = end;
        }
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ManualTimer timer;
        lock (_gate)
        {
            timer = new ManualTimer(this, callback, state, _created++);
            _timers.Add(timer);
        }
        timer.Change(dueTime, period);
        return timer;
    }

    private ManualTimer? TakeNextDue(DateTimeOffset end)
    {
        lock (_gate)
        {
            var next = _timers.Where(t => t.Due <= end).OrderBy(t => t.Due).ThenBy(t => t.Order).FirstOrDefault();
            if (next is null) return null;
            if (next.Due > _now) _now = next.Due.Value;
            next.Due = next.Period > TimeSpan.Zero ? next.Due + next.Period : null;
            return next;
        }
    }

    private sealed class ManualTimer(ManualTimeProvider clock, TimerCallback callback, object? state, long order) : ITimer
    {
        private bool _disposed;

        public long Order => order;

        public DateTimeOffset? Due { get; set; }

        public TimeSpan Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            bool now;
            lock (clock._gate)
            {
                if (_disposed) return false;
                Period = period;
                now = dueTime == TimeSpan.Zero;
                // A timer due at once fires here, as the platform's would without waiting for the clock to move.
                Due = dueTime == Timeout.InfiniteTimeSpan ? null : now ? (period > TimeSpan.Zero ? clock._now + period : null) : clock._now + dueTime;
            }
            if (now) Fire();
            return true;
        }

        public void Dispose()
        {
            lock (clock._gate)
            {
                _disposed = true;
                Due = null;
                clock._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
