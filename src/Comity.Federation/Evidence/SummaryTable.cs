using Comity.Federation.Results;
using Comity.Federation.Sites;

namespace Comity.Federation.Evidence;

/// <summary>Each metric of each model at each site over the repeats.</summary>
internal static class SummaryTable
{
    /// <summary>Builds the table from test evaluations.</summary>
    public static List<SummaryInfo> Build(IEnumerable<EvaluationInfo> evaluations) =>
        [.. evaluations.Where(e => e.Split == RowSplit.Test)
            .SelectMany(e => e.Result.Metrics.Select(m => (e.Model, e.Site, Metric: m.Key, Estimate: m.Value, e.Result.Rows, e.Repeat)))
            .GroupBy(x => (x.Model, x.Site, x.Metric))
            .Select(g => Summarise(g.Key.Model, g.Key.Site, g.Key.Metric, [.. g.OrderBy(x => x.Repeat).Select(x => (x.Estimate, x.Rows))]))];

    private static SummaryInfo Summarise(string model, string site, string metric, List<(Estimate Estimate, int Rows)> repeats)
    {
        var defined = repeats.Select(r => r.Estimate).Where(e => double.IsFinite(e.Value)).ToList();
        var rows = repeats[0].Rows;
        if (defined.Count == 0) return new SummaryInfo(model, site, metric, double.NaN, double.NaN, double.NaN, double.NaN, 0, rows);
        if (repeats.Count == 1) return new SummaryInfo(model, site, metric, defined[0].Value, double.NaN, defined[0].Low, defined[0].High, 1, rows);
        var mean = defined.Average(e => e.Value);
        var deviation = defined.Count > 1 ? Math.Sqrt(defined.Sum(e => (e.Value - mean) * (e.Value - mean)) / (defined.Count - 1)) : double.NaN;
        return new SummaryInfo(model, site, metric, mean, deviation, defined.Min(e => e.Value), defined.Max(e => e.Value), defined.Count, rows);
    }
}
