namespace Comity.Serving.Feedback;

/// <summary>Watches answers' errors one by one and says when they have become more frequent than they were promised to be.</summary>
/// <remarks>
/// A Shiryaev–Roberts e-detector (Shin, Ramdas and Rinaldo 2022, arXiv:2203.03532): R ← (1 + R)·L for each label, where L is the likelihood ratio of an error
/// rate above the promised one. While the true rate is at or below the promised one, E[R after n labels] ≤ n, so the mean number of labels before a false
/// alarm is at least the threshold (Theorem 2.4 there), however often one looks. Three alternatives are mixed, so that large changes are found soon and small ones at all.
/// </remarks>
public sealed class ErrorDetector
{
    private readonly double _promised;
    private readonly double[] _alternatives;
    private readonly double[] _statistics;

    /// <param name="promised">The error rate that must not be exceeded, in (0, 1).</param>
    /// <param name="labelsPerFalseAlarm">Mean number of labels before a false alarm, at least.</param>
    public ErrorDetector(double promised, double labelsPerFalseAlarm)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(labelsPerFalseAlarm, 1);
        if (!(promised is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(promised), promised, "An error rate lies between 0 and 1.");
        _promised = Math.Clamp(promised, 0.005, 0.95);
        _alternatives = [.. new[] { 0.25, 0.5, 0.75 }.Select(step => _promised + (step * Math.Min(1 - _promised, 0.3)))];
        _statistics = new double[_alternatives.Length];
        Threshold = labelsPerFalseAlarm;
    }

    /// <summary>The statistic from which on there is an alarm.</summary>
    public double Threshold { get; }

    /// <summary>The statistic R, the mean over the alternatives.</summary>
    public double Statistic => _statistics.Average();

    /// <summary>Labels seen.</summary>
    public long Labels { get; private set; }

    /// <summary>The label at which the alarm was first raised; null: it was not.</summary>
    public long? AlarmAt { get; private set; }

    /// <summary>Takes one label.</summary>
    /// <returns>Whether the alarm is raised, now or before.</returns>
    public bool Observe(bool error)
    {
        Labels++;
        for (var a = 0; a < _alternatives.Length; a++)
        {
            var ratio = error ? _alternatives[a] / _promised : (1 - _alternatives[a]) / (1 - _promised);
            _statistics[a] = Math.Min(1e300, (1 + _statistics[a]) * ratio);
        }
        if (AlarmAt is null && Statistic >= Threshold) AlarmAt = Labels;
        return AlarmAt is not null;
    }
}
