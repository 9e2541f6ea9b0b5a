using Comity.Federation.Results;
using Comity.Federation.Sites;

namespace Comity.Federation.Evidence;

/// <summary>Which federation to take: chosen on validation rows, never on the rows that judge it afterwards.</summary>
internal static class Recommendation
{
    private const string Union = "*";

    /// <summary>Scores the candidates and names the best; null where nothing tells them apart.</summary>
    /// <param name="models">Ids of the candidates, in the order of the study.</param>
    /// <param name="validation">Evaluations on validation rows.</param>
    /// <param name="primary">Metric that decides; log loss decides between equals.</param>
    public static (string? Recommended, IReadOnlyList<CandidateInfo> Candidates) Choose(
        IReadOnlyList<string> models, IReadOnlyList<EvaluationInfo> validation, string primary)
    {
        var candidates = models.Select(m => new CandidateInfo(m, primary, Score(validation, m, primary), Score(validation, m, "logLoss"))).ToList();
        if (models.Count == 1) return (models[0], candidates);
        var best = candidates.Where(c => double.IsFinite(c.ValidationScore))
            .OrderByDescending(c => MetricOrder.Goodness(primary, c.ValidationScore)).ThenBy(c => double.IsNaN(c.ValidationLogLoss) ? double.PositiveInfinity : c.ValidationLogLoss).FirstOrDefault();
        return (best?.Model, candidates);
    }

    // On the union where somebody could judge it; else the sites' values weighted by rows. The mean over repeats.
    private static double Score(IReadOnlyList<EvaluationInfo> validation, string model, string metric)
    {
        var byRepeat = validation.Where(e => e.Model == model).GroupBy(e => e.Repeat).Select(repeat =>
        {
            var known = repeat.Where(e => e.Result.Rows > 0 && e.Result.Metrics.TryGetValue(metric, out var m) && double.IsFinite(m.Value)).ToList();
            if (known.FirstOrDefault(e => e.Site == Union) is { } union) return union.Result.Metrics[metric].Value;
            double rows = known.Sum(e => (long)e.Result.Rows);
            return known.Sum(e => e.Result.Rows * e.Result.Metrics[metric].Value) / rows;
        }).Where(double.IsFinite).ToList();
        return byRepeat.Count == 0 ? double.NaN : byRepeat.Average();
    }
}
