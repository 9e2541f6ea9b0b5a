using Comity.Federation.Results;

namespace Comity.Insight.Evidence;

/// <summary>What a comparison allows one to say.</summary>
public enum Verdict
{
    /// <summary>The comparison is undefined, as a ROC AUC with one class.</summary>
    Undefined,

    /// <summary>Better, and p is below 0.05 after correction.</summary>
    Better,

    /// <summary>Better by the numbers; it may be chance.</summary>
    PerhapsBetter,

    /// <summary>Neither better nor worse.</summary>
    Equal,

    /// <summary>Worse by the numbers; it may be chance.</summary>
    PerhapsWorse,

    /// <summary>Worse, and p is below 0.05 after correction.</summary>
    Worse,
}

/// <summary>The study's answer: in how many markets the common model beats what each has, and how sure that is.</summary>
/// <param name="Common">The common model; null: none was trained.</param>
/// <param name="Metric">The primary metric.</param>
/// <param name="Lines">One for each market, or for each site where a market was not compared as a whole.</param>
/// <param name="BySite">Whether lines are sites rather than markets.</param>
/// <param name="Sites">The comparisons at single sites, as far as they were made.</param>
public sealed record MarketAnswer(ModelId? Common, string Metric, IReadOnlyList<BenefitInfo> Lines, bool BySite, IReadOnlyList<BenefitInfo> Sites)
{
    /// <summary>Lines in which the common model is better by the numbers.</summary>
    public int Gains => Count(Verdict.Better) + Count(Verdict.PerhapsBetter);

    /// <summary>Lines with this verdict.</summary>
    public int Count(Verdict verdict) => Lines.Count(l => VerdictOf(l) == verdict);

    /// <summary>Reads the answer from the benefits that the study measured.</summary>
    /// <param name="results">A study's results.</param>
    /// <param name="candidate">Model compared; null: the common model.</param>
    public static MarketAnswer Of(StudyResults results, string? candidate = null)
    {
        ArgumentNullException.ThrowIfNull(results);
        var common = ModelId.Common(results);
        var sites = results.Sites.Select(s => s.Id).ToHashSet(StringComparer.Ordinal);
        var model = candidate is null ? common : ModelId.Parse(candidate, sites);
        var measured = results.Benefit
            .Where(b => model is not null && b.Metric == results.PrimaryMetric && ModelId.Parse(b.Candidate, sites).Family == model.Family).ToList();
        var lines = new List<BenefitInfo>();
        foreach (var market in results.Markets)
        {
            var here = measured.Where(b => b.Market == market.Id).ToList();
            var whole = here.Where(b => b.Site is null).ToList();
            lines.AddRange(whole.Count > 0 ? whole : here);
        }
        return new(model, results.PrimaryMetric, lines, lines.Select(l => l.Market).Distinct().Count() < lines.Count, [.. measured.Where(b => b.Site is not null)]);
    }

    /// <summary>What a difference with its p allows one to say.</summary>
    public static Verdict VerdictOf(BenefitInfo line)
    {
        ArgumentNullException.ThrowIfNull(line);
        var gain = MetricTraits.Gain(line.Metric, line.Difference);
        if (double.IsNaN(gain)) return Verdict.Undefined;
        var sure = line.P < 0.05;
        return gain > 0 ? sure ? Verdict.Better : Verdict.PerhapsBetter : gain < 0 ? sure ? Verdict.Worse : Verdict.PerhapsWorse : Verdict.Equal;
    }
}
