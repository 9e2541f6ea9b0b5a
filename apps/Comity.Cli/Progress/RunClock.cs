namespace Comity.Cli.Progress;

/// <summary>Estimates the time left from the share of models done, counting those under way by their steps.</summary>
internal sealed class RunClock(int trials, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string, int), double> _shares = [];
    private readonly long _start = time.GetTimestamp();
    private double _done;

    public TimeSpan Elapsed => time.GetElapsedTime(_start);

    /// <summary>Share of the run that is done, from 0 to 1.</summary>
    public double Share
    {
        get { lock (_gate) return trials == 0 ? 0 : Math.Min(1, _done / trials); }
    }

    /// <summary>Null until enough is done to tell.</summary>
    public TimeSpan? Left
    {
        get
        {
            var (share, elapsed) = (Share, Elapsed);
            return share < 0.02 || elapsed < TimeSpan.FromSeconds(0.5) ? null : elapsed * ((1 - share) / share);
        }
    }

    public void Report(string model, int repeat, double share)
    {
        lock (_gate)
        {
            var key = (model, repeat);
            var before = _shares.GetValueOrDefault(key);
            if (share <= before) return; // answers of parallel sites may overtake one another
            _shares[key] = share;
            _done += share - before;
        }
    }

    /// <summary>1 h 05 min, 3 min 20 s, 12 s: short and the same in every language.</summary>
    public static string Show(TimeSpan span) =>
        span.TotalHours >= 1 ? $"{(int)span.TotalHours} h {span.Minutes:00} min"
        : span.TotalMinutes >= 1 ? $"{span.Minutes} min {span.Seconds:00} s"
        : $"{Math.Ceiling(span.TotalSeconds):0} s";
}
