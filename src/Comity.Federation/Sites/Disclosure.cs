namespace Comity.Federation.Sites;

/// <summary>What may be told of few rows: nothing. Applied at the site to all that leaves it in a federation.</summary>
/// <remarks>
/// Predictions row by row never leave. A number about fewer rows than the threshold is left out, and where the rest would give it away
/// (the other cells of a table, the other groups of an attribute) that is left out with it. A warning says so. Curves and histograms leave in steps of at least as many
/// rows, and not at all where a class has fewer: they would tell how many.
/// </remarks>
public static class Disclosure
{
    /// <summary>Fewest rows behind a number that leaves, unless the site's policy asks for more.</summary>
    public const int DefaultThreshold = 10;

    /// <summary>Code of the warning, with the number of things left out behind a colon.</summary>
    public const string Warning = "below-disclosure-threshold";

    /// <summary>What of an evaluation may leave.</summary>
    public static EvaluationResult Apply(EvaluationResult result, int threshold)
    {
        ArgumentNullException.ThrowIfNull(result);
        var few = result.Rows > 0 && result.Rows < threshold;
        if (few)
        {
            return new EvaluationResult { Rows = 0, Metrics = result.Metrics.ToDictionary(m => m.Key, _ => Missing), Warnings = [Warning] };
        }
        bool Small(int count) => count > 0 && count < threshold;
        var groups = result.Groups.GroupBy(g => g.Attribute).ToList();
        // With one group left out, the difference of the whole and the others would tell it.
        var told = groups.Where(g => !g.Any(x => Small(x.Rows))).SelectMany(g => g).ToList();
        var fairness = result.Fairness.Where(f => !Small(f.SmallestGroup)).ToList();
        var confusion = result.Confusion.SelectMany(row => row).Any(Small) ? [] : result.Confusion;
        var classes = result.ClassCounts.Any(Small) ? [] : result.ClassCounts;
        var left = told.Count < result.Groups.Count || fairness.Count < result.Fairness.Count || confusion.Count < result.Confusion.Count || classes.Count < result.ClassCounts.Count;
        return result with
        {
            Predictions = [],
            Groups = told,
            Fairness = fairness,
            Confusion = confusion,
            ClassCounts = classes,
            Roc = classes.Count < result.ClassCounts.Count ? [] : Steps(result.Roc, threshold),
            Scores = result.Scores is null || result.ClassCounts.Any(Small) ? null : Runs(result.Scores, threshold),
            Calibration = [.. result.Calibration.Where(p => !Small(p.Rows))],
            Warnings = left ? [.. result.Warnings, Warning] : result.Warnings,
        };
    }

    // Points of a curve hold all rows up to them: between two there may be one row, whose class and rank they would tell.
    private static List<CurvePoint> Steps(IReadOnlyList<CurvePoint> curve, int threshold)
    {
        var kept = new List<CurvePoint>();
        for (var i = 0; i < curve.Count; i++)
        {
            var far = kept.Count > 0 && curve[i].Rows - kept[^1].Rows >= threshold && curve[^1].Rows - curve[i].Rows >= threshold;
            if (i == 0 || far || i == curve.Count - 1) kept.Add(curve[i]);
        }
        return kept;
    }

    private static List<ScoreRun> Runs(IReadOnlyList<ScoreRun> scores, int threshold)
    {
        var runs = new List<ScoreRun>();
        var open = default(ScoreRun);
        foreach (var bin in scores)
        {
            open = new(open.Bins + bin.Bins, open.Negatives + bin.Negatives, open.Positives + bin.Positives);
            if (open.Negatives + open.Positives < threshold) continue;
            runs.Add(open);
            open = default;
        }
        // What is left over at the end is too few to stand alone.
        if (open.Bins > 0 && runs.Count > 0) runs[^1] = new(runs[^1].Bins + open.Bins, runs[^1].Negatives + open.Negatives, runs[^1].Positives + open.Positives);
        else if (open.Bins > 0) runs.Add(open with { Negatives = 0, Positives = 0 });
        return runs;
    }

    /// <summary>What of a comparison may leave.</summary>
    public static ComparisonResult Apply(ComparisonResult result, int threshold)
    {
        ArgumentNullException.ThrowIfNull(result);
        return result.Rows > 0 && result.Rows < threshold ? new ComparisonResult(0, []) : result;
    }

    private static Estimate Missing { get; } = new(double.NaN, double.NaN, double.NaN);
}
