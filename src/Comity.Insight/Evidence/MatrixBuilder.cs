using Comity.Federation.Results;

namespace Comity.Insight.Evidence;

/// <summary>Lays out a study's scores as a matrix of models and places.</summary>
public static class MatrixBuilder
{
    /// <summary>The matrix of one metric.</summary>
    /// <param name="results">A study's results.</param>
    /// <param name="metric">A metric's name; null: the primary one.</param>
    public static MatrixView Build(StudyResults results, string? metric = null) => Build(results, new TestScores(results), metric);

    internal static MatrixView Build(StudyResults results, TestScores scores, string? metric = null)
    {
        metric ??= results.PrimaryMetric;
        var bySite = results.Sites.Count <= MatrixView.SitesInFull;
        var columns = Columns(results, scores, bySite, metric);
        var higher = MetricTraits.HigherIsBetter(metric);
        var rows = Models(results, bySite)
            .Select(model => (Model: model, Scores: columns.Select(c => ScoreOf(results, scores, model, c, metric)).ToList()))
            .Where(row => row.Scores.Exists(s => s is not null)).ToList();
        var best = columns.Select((_, i) => Best(rows.Select(r => r.Scores[i]), higher)).ToList();
        return new(metric, higher, columns,
            [.. rows.Select(row => new MatrixRow(row.Model, [.. row.Scores.Select((score, i) => score is null ? null : Cell(row.Model, columns[i], score, best[i]))]))]);
    }

    private static MatrixCell Cell(ModelId model, MatrixColumn column, Score score, double best) =>
        new(score, score.Mean == best, model.Arm == "local" && column.Kind == MatrixColumnKind.Site && (model.Site == column.Id || model.Site == ModelId.EachSite));

    private static List<MatrixColumn> Columns(StudyResults results, TestScores scores, bool bySite, string metric)
    {
        var markets = results.Markets.Select((m, i) => (m.Id, i)).ToDictionary(p => p.Id, p => p.i);
        var columns = bySite
            ? results.Sites.OrderBy(s => markets.GetValueOrDefault(s.Market, int.MaxValue)).Select(s => new MatrixColumn(s.Id, MatrixColumnKind.Site, s.Market, s.TestRows)).ToList()
            : results.Markets.Select(m => new MatrixColumn(m.Id, MatrixColumnKind.Market, m.Id, results.Sites.Where(s => s.Market == m.Id).Sum(s => s.TestRows))).Where(c => c.Rows > 0).ToList();
        var rows = results.Sites.Sum(s => s.TestRows);
        if (results.Sites.Count > 1) columns.Add(new("", MatrixColumnKind.Mean, "", rows));
        // Of all rows together not every metric is known everywhere.
        var judged = results.Models.Select(m => scores.Of(m.Id, TestScores.Union, metric)).FirstOrDefault(s => s is not null);
        if (judged is not null && results.Sites.Count > 1) columns.Add(new(TestScores.Union, MatrixColumnKind.Union, "", judged.Rows));
        return columns;
    }

    private static List<ModelId> Models(StudyResults results, bool bySite)
    {
        var sites = results.Sites.Select(s => s.Id).ToHashSet(StringComparer.Ordinal);
        var order = results.Sites.Select((s, i) => (s.Id, i)).ToDictionary(p => p.Id, p => p.i);
        var all = results.Models.Select(m => m.Id).Distinct().Select(id => ModelId.Parse(id, sites)).ToList();
        var models = new List<ModelId>();
        var own = all.Where(m => m.Arm == "local").OrderBy(m => order.GetValueOrDefault(m.Site!, int.MaxValue)).ToList();
        if (own.Count > 1) models.Add(ModelId.Parse("local/*", sites));
        if (bySite || own.Count == 1) models.AddRange(own);
        models.AddRange(all.Where(m => m.Arm != "local").Select(m => ModelId.Parse(m.Family, sites)).Distinct().OrderBy(Rank));
        return models;

        static int Rank(ModelId model) => model switch { { Arm: "pooled" } => 0, { Arm: "federated", Site: null } => 1, { Arm: "federated" } => 2, _ => 3 };
    }

    private static Score? ScoreOf(StudyResults results, TestScores scores, ModelId model, MatrixColumn column, string metric) => column.Kind switch
    {
        MatrixColumnKind.Site => scores.Of(Here(model, column.Id), column.Id, metric),
        MatrixColumnKind.Union => scores.Of(model.Id, TestScores.Union, metric),
        MatrixColumnKind.Mean => EverySite(results, scores, model, metric),
        _ => OfMarket(results.Sites.Where(s => s.Market == column.Id).Select(s => scores.Of(Here(model, s.Id), s.Id, metric))),
    };

    private static string Here(ModelId model, string site) => model.Site == ModelId.EachSite ? model.At(site) : model.Id;

    // A mean over fewer sites than the next row's would compare unlike things.
    private static Score? EverySite(StudyResults results, TestScores scores, ModelId model, string metric)
    {
        var places = results.Sites.Select(s => (Here(model, s.Id), s.Id)).ToList();
        return places.TrueForAll(p => scores.Of(p.Item1, p.Id, metric) is not null) ? scores.Mean(places, metric) : null;
    }

    private static Score? OfMarket(IEnumerable<Score?> sites)
    {
        var known = sites.OfType<Score>().Where(s => !double.IsNaN(s.Mean)).OrderBy(s => s.Mean).ToList();
        if (known.Count == 0) return null;
        var rows = known.Sum(s => s.Rows);
        var mean = known.Sum(s => s.Mean * s.Rows) / Math.Max(1, rows);
        return new(mean, Quantiles.Of(known.ConvertAll(s => s.Mean), 0.1), Quantiles.Of(known.ConvertAll(s => s.Mean), 0.9), IntervalKind.Sites, rows, known.Min(s => s.Repeats));
    }

    private static double Best(IEnumerable<Score?> column, bool higher)
    {
        var values = column.OfType<Score>().Select(s => s.Mean).Where(v => !double.IsNaN(v)).ToList();
        return values.Count < 2 ? double.NaN : higher ? values.Max() : values.Min();
    }
}
