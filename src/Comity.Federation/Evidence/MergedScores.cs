using Comity.Federation.Sites;

namespace Comity.Federation.Evidence;

/// <summary>How well a model ranks all sites' rows together, from the histogram of scores that each site told; nobody has to hold the rows.</summary>
/// <remarks>
/// A site tells runs of bins with as many rows as its threshold asks for (<see cref="Disclosure"/>). Where in a run its rows lie is not known: they are spread evenly over its bins, so what comes
/// of it is approximate. Rows of one bin then count as ties, as in <see cref="CountedMetrics"/>.
/// </remarks>
public static class MergedScores
{
    private const int MostBins = 1 << 12;

    /// <summary>The number of test rows, ROC AUC and ROC curve of all sites together; null: the histograms do not fit together, or a class is missing.</summary>
    /// <param name="sites">Each site's runs, from the lowest score to the highest.</param>
    public static EvaluationResult? Of(IReadOnlyList<IReadOnlyList<ScoreRun>> sites)
    {
        ArgumentNullException.ThrowIfNull(sites);
        var bins = sites.Count == 0 ? 0 : Bins(sites[0]);
        if (bins == 0 || sites.Any(s => Bins(s) != bins)) return null;
        var scores = new double[2 * bins];
        foreach (var runs in sites)
        {
            var at = 0;
            foreach (var run in runs)
            {
                for (var bin = at; bin < at + run.Bins; bin++)
                {
                    scores[bin] += (double)run.Negatives / run.Bins;
                    scores[bins + bin] += (double)run.Positives / run.Bins;
                }
                at += run.Bins;
            }
        }
        if (scores.AsSpan(0, bins).IndexOfAnyExcept(0) < 0 || scores.AsSpan(bins).IndexOfAnyExcept(0) < 0) return null;
        var judged = CountedMetrics.Of(new Statistics([new StatisticPart("scores", MergeRule.Sum, scores, [])]), noise: 0);
        return new EvaluationResult
        {
            Rows = judged.Rows, Metrics = new Dictionary<string, Estimate>(StringComparer.Ordinal) { ["rocAuc"] = judged.Metrics["rocAuc"] }, ClassCounts = judged.ClassCounts, Roc = judged.Roc,
        };
    }

    // What a site tells is judged before it is used: 0 where it is no histogram.
    private static int Bins(IReadOnlyList<ScoreRun> runs) =>
        runs.All(r => r is { Bins: > 0 and <= MostBins, Negatives: >= 0, Positives: >= 0 }) && runs.Sum(r => (long)r.Bins) is <= MostBins and var bins ? (int)bins : 0;
}
