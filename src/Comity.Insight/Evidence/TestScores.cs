using Comity.Federation.Results;
using Comity.Federation.Sites;

namespace Comity.Insight.Evidence;

/// <summary>Where an interval comes from.</summary>
public enum IntervalKind
{
    /// <summary>No interval is known.</summary>
    None,

    /// <summary>95 % bootstrap interval of one repeat.</summary>
    Bootstrap,

    /// <summary>Smallest and largest of the repeats.</summary>
    Repeats,

    /// <summary>10th and 90th percentile over sites.</summary>
    Sites,
}

/// <summary>A score with everything that must stand beside it.</summary>
/// <param name="Mean">The score; NaN where it is undefined.</param>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
/// <param name="Interval">What the interval is.</param>
/// <param name="Rows">Test rows of a repeat.</param>
/// <param name="Repeats">Repeats in which it was defined.</param>
public sealed record Score(double Mean, double Low, double High, IntervalKind Interval, int Rows, int Repeats);

/// <summary>Finds scores on test rows by model, site and metric, and averages them over sites.</summary>
public sealed class TestScores
{
    /// <summary>Stands for the union of all sites' rows.</summary>
    public const string Union = "*";

    private readonly StudyResults _results;
    private readonly Dictionary<(string Model, string Site, string Metric), SummaryInfo> _summary;
    private readonly Dictionary<(string Model, string Site), List<EvaluationInfo>> _tests;

    /// <param name="results">The results to look into.</param>
    public TestScores(StudyResults results)
    {
        ArgumentNullException.ThrowIfNull(results);
        _results = results;
        _summary = [];
        foreach (var one in results.Summary) _summary[(one.Model, one.Site, one.Metric)] = one;
        _tests = results.Evaluation.Where(e => e.Split == RowSplit.Test)
            .GroupBy(e => (e.Model, e.Site)).ToDictionary(g => g.Key, g => g.OrderBy(e => e.Repeat).ToList());
    }

    /// <summary>The evaluations of a model on a site's test rows, by repeat.</summary>
    public IReadOnlyList<EvaluationInfo> Tests(string model, string site) => _tests.GetValueOrDefault((model, site)) ?? [];

    /// <summary>A model's score on a site's test rows; null where it was not judged.</summary>
    public Score? Of(string model, string site, string metric) => _summary.TryGetValue((model, site, metric), out var found)
        ? new(found.Mean, found.Low, found.High, KindOf(found.Low), found.Rows, found.Repeats)
        : null;

    /// <summary>The unweighted mean of several scores.</summary>
    /// <remarks>
    /// With repeats, the mean is taken within each repeat and the interval is the smallest and largest of those. With one, the sites' errors
    /// are independent (other records), so half-widths add in quadrature over sites; models judged on the same rows may err together, so within a
    /// site they simply add.
    /// </remarks>
    public Score? Mean(IEnumerable<(string Model, string Site)> places, string metric)
    {
        ArgumentNullException.ThrowIfNull(places);
        var known = places.Where(p => Of(p.Model, p.Site, metric) is { } score && !double.IsNaN(score.Mean)).ToList();
        if (known.Count == 0) return null;
        if (known.Count == 1) return Of(known[0].Model, known[0].Site, metric);
        var scores = known.ConvertAll(p => Of(p.Model, p.Site, metric)!);
        var rows = known.Zip(scores).DistinctBy(p => p.First.Site).Sum(p => p.Second.Rows);
        var byRepeat = _results.Repeats > 1 ? MeansByRepeat(known, metric) : [];
        if (byRepeat.Count > 1) return new(byRepeat.Average(), byRepeat.Min(), byRepeat.Max(), IntervalKind.Repeats, rows, byRepeat.Count);
        var mean = scores.Average(s => s.Mean);
        var bySite = known.Zip(scores, (p, s) => (p.Site, Score: s)).GroupBy(p => p.Site, p => p.Score).ToList();
        var below = Math.Sqrt(bySite.Sum(site => Square(site.Sum(s => s.Mean - s.Low)))) / scores.Count;
        var above = Math.Sqrt(bySite.Sum(site => Square(site.Sum(s => s.High - s.Mean)))) / scores.Count;
        return new(mean, mean - below, mean + above, KindOf(below), rows, 1);
    }

    private List<double> MeansByRepeat(List<(string Model, string Site)> places, string metric) =>
        places.SelectMany(p => Tests(p.Model, p.Site))
            .Where(e => e.Result.Metrics.TryGetValue(metric, out var value) && !double.IsNaN(value.Value))
            .GroupBy(e => e.Repeat).OrderBy(g => g.Key)
            .Select(g => g.Average(e => e.Result.Metrics[metric].Value)).ToList();

    private IntervalKind KindOf(double low) => double.IsNaN(low) ? IntervalKind.None : _results.Repeats > 1 ? IntervalKind.Repeats : IntervalKind.Bootstrap;

    private static double Square(double x) => x * x;
}
