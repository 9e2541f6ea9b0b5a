using Comity.Federation.Sites;
using Comity.Learning.Evaluation;

namespace Comity.Cli.Composition;

/// <summary>Metrics as Learning judges them and as Federation carries them.</summary>
internal static class MetricMapping
{
    public static IReadOnlyDictionary<string, Estimate> ToFederation(this IReadOnlyDictionary<string, MetricEstimate> metrics)
    {
        var mapped = new OrderedDictionary<string, Estimate>(StringComparer.Ordinal);
        foreach (var (name, metric) in metrics) mapped.Add(name, new Estimate(metric.Value, metric.Low, metric.High));
        return mapped;
    }
}
