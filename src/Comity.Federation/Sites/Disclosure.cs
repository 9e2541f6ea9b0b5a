namespace Comity.Federation.Sites;

/// <summary>What may be told of few rows: nothing. Applied at the site to all that leaves it in a federation.</summary>
/// <remarks>
/// Predictions row by row never leave. A number about fewer rows than the threshold is left out, and where the rest would give it away
/// (the other cells of a table, the other groups of an attribute) that is left out with it. A warning says so.
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
            Roc = [.. result.Roc.Where(p => !Small(p.Rows))],
            Calibration = [.. result.Calibration.Where(p => !Small(p.Rows))],
            Warnings = left ? [.. result.Warnings, Warning] : result.Warnings,
        };
    }

    /// <summary>What of a comparison may leave.</summary>
    public static ComparisonResult Apply(ComparisonResult result, int threshold)
    {
        ArgumentNullException.ThrowIfNull(result);
        return result.Rows > 0 && result.Rows < threshold ? new ComparisonResult(0, []) : result;
    }

    private static Estimate Missing { get; } = new(double.NaN, double.NaN, double.NaN);
}
