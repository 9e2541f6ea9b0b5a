namespace Comity.Cli.Progress;

/// <summary>Estimates the time left from the share of models done, counting those under way by their steps.</summary>
internal sealed class RunClock(TimeProvider time)
{
    private const double TrainingPart = 0.8; // judging with intervals takes the rest, roughly; it corrects itself as judging proceeds
    private readonly Lock _gate = new();
    private readonly Dictionary<(string, int), double> _shares = [];
    private readonly long _start = time.GetTimestamp();
    private int _trials;
    private double _done;
    private double _judged;

    public TimeSpan Elapsed => time.GetElapsedTime(_start);

    /// <summary>Share of the run that is done, from 0 to 1.</summary>
    public double Share
    {
        get { lock (_gate) return _trials == 0 ? 0 : Math.Min(1, TrainingPart * _done / _trials + (1 - TrainingPart) * _judged); }
    }

    /// <summary>The number of models to train is known.</summary>
    public void Plan(int trials)
    {
        lock (_gate) _trials = trials;
    }

    /// <summary>Share of the judging that is done.</summary>
    public void Judged(double share)
    {
        lock (_gate) _judged = Math.Max(_judged, share);
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
