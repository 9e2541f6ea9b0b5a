using Comity.Data.Contracts;
using Comity.Data.Reference;

namespace Comity.Serving.Drift;

/// <summary>What a test found in one column of a window.</summary>
/// <param name="Column">The column; <c>score</c> for what the model said, <c>label</c> for what became of it.</param>
/// <param name="Test"><c>kolmogorov-smirnov</c>, <c>chi-square</c>, <c>missing</c> or <c>unseen</c>.</param>
/// <param name="Size">KS distance, or the change of the share; NaN for chi-square.</param>
/// <param name="Index">Population stability index of the column's values; NaN for shares.</param>
/// <param name="P">p of no shift, after Holm's correction over all tests of the window.</param>
/// <param name="Alarm">Whether that is below the level.</param>
public sealed record DriftFinding(string Column, string Test, double Size, double Index, double P, bool Alarm);

/// <summary>Compares live records with the training records that a release tells of.</summary>
/// <remarks>
/// Holm's correction (1979) over all columns and tests bounds the chance that a window without any shift raises an alarm by the level. The
/// distance of Kolmogorov and Smirnov is read at the statistics' cut points, which can only make it smaller; the
/// population stability index says how large a shift is, and raises no alarm itself: its usual bounds of 0.1 and 0.25 are
/// exceeded by chance in small windows (Yurdakul 2018).
/// </remarks>
public static class DriftJudge
{
    /// <summary>Chance that a window without any shift raises an alarm, unless another is asked for.</summary>
    public const double DefaultLevel = 0.01;

    /// <summary>All tests of a window, the strongest first.</summary>
    /// <param name="reference">Training records.</param>
    /// <param name="window">Live records.</param>
    /// <param name="level">Chance of a false alarm in a window.</param>
    public static IReadOnlyList<DriftFinding> Judge(ReferenceSample reference, DriftWindow window, double level = DefaultLevel)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(window);
        var found = new List<DriftFinding>();
        // A feature may be called as labels are here; labels come in windows of their own.
        var ofLabels = window.Columns.Count == 1 && window.Columns[0].Column == LabelWindows.Column && reference.Columns.All(c => c.Column != LabelWindows.Column);
        foreach (var live in window.Columns)
        {
            var trained = ofLabels ? LabelWindows.Reference(reference) : live.Column == DriftMonitor.ScoreColumn ? reference.Score : reference.Columns.FirstOrDefault(c => c.Column == live.Column);
            if (trained is null || trained.Counts.Count != live.Counts.Count) continue;
            found.AddRange(Tests(trained, live, shares: live.Column != DriftMonitor.ScoreColumn && !ofLabels));
        }
        // Holm: the i-th smallest p is multiplied by the number of tests that are left.
        var ordered = found.OrderBy(f => f.P).ToList();
        var corrected = 0.0;
        for (var i = 0; i < ordered.Count; i++)
        {
            corrected = Math.Max(corrected, Math.Min(1, ordered[i].P * (ordered.Count - i)));
            ordered[i] = ordered[i] with { P = corrected, Alarm = corrected < level };
        }
        return ordered;
    }

    private static IEnumerable<DriftFinding> Tests(ReferenceColumn trained, WindowColumn live, bool shares)
    {
        var shown = trained.Counts.Select(c => (double)(c ?? 0)).ToArray();
        var rest = trained.Rows - (trained.Missing ?? 0) - shown.Sum(); // what was held back, together
        if (live.Known > 0 && shown.Sum() + rest > 0)
        {
            if (trained.Kind == FeatureKind.Number)
            {
                var distance = Distance(shown, live.Counts);
                yield return new DriftFinding(live.Column, "kolmogorov-smirnov", distance, Index(shown, live.Counts), Statistics.KolmogorovP(distance, shown.Sum(), live.Known), false);
            }
            else
            {
                double[] before = [.. shown, rest];
                // Values whose own count was held back are compared as one.
                double[] now = [.. live.Counts.Select((c, i) => trained.Counts[i] is null ? 0.0 : c), live.Counts.Where((_, i) => trained.Counts[i] is null).Sum()];
                yield return new DriftFinding(live.Column, "chi-square", double.NaN, Index(before, [.. now.Select(x => (int)x)]), Statistics.HomogeneityP(now, before), false);
            }
        }
        var all = live.Known + live.Missing + live.Unseen;
        if (all == 0 || !shares) yield break;
        if (trained.Missing is { } missing)
            yield return new DriftFinding(live.Column, "missing", ((double)live.Missing / all) - ((double)missing / trained.Rows), double.NaN, Statistics.FisherP(live.Missing, all, missing, trained.Rows), false);
        yield return new DriftFinding(live.Column, "unseen", (double)live.Unseen / all, double.NaN, Statistics.FisherP(live.Unseen, all, 0, trained.Rows), false);
    }

    private static double Distance(double[] before, IReadOnlyList<int> now)
    {
        double n = before.Sum(), m = now.Sum(), a = 0, b = 0, largest = 0;
        for (var i = 0; i < before.Length; i++)
        {
            a += before[i] / n;
            b += now[i] / m;
            largest = Math.Max(largest, Math.Abs(a - b));
        }
        return largest;
    }

    private static double Index(double[] before, IReadOnlyList<int> now) => Data.Quality.Drift.Index([.. now.Select(c => (double)c)], before);
}
