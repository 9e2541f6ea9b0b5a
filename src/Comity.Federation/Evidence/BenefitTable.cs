using Comity.Federation.Results;
using Comity.Federation.Stores;
using Comity.Federation.Studies;

namespace Comity.Federation.Evidence;

/// <summary>What each candidate brought each site and each market over the sites' own models.</summary>
internal static class BenefitTable
{
    /// <summary>Builds the table.</summary>
    /// <param name="study">Sites and markets.</param>
    /// <param name="repeats">Comparisons by repeat, then candidate family; a personalised family holds each site's own model.</param>
    /// <param name="trainingRows">Training rows of a site.</param>
    /// <remarks>A row with <see cref="BenefitInfo.Site"/> null is a market; p is corrected over the markets there, and over the sites in the others.</remarks>
    public static List<BenefitInfo> Build(
        StudySection study, IReadOnlyList<IReadOnlyDictionary<string, IReadOnlyList<ComparisonRecord>>> repeats, IReadOnlyDictionary<string, int> trainingRows)
    {
        var benefit = new List<BenefitInfo>();
        foreach (var family in repeats.SelectMany(r => r.Keys).Distinct(StringComparer.Ordinal))
        {
            var byRepeat = repeats.Select(r => r.GetValueOrDefault(family) ?? []).ToList();
            foreach (var metric in byRepeat.SelectMany(r => r).SelectMany(c => c.Result.Differences).Select(d => d.Metric).Distinct(StringComparer.Ordinal))
            {
                benefit.AddRange(Corrected(study.Markets.Select(m => Row(
                    byRepeat, metric, [.. study.Sites.Where(s => s.Market == m.Id).Select(s => s.Id)], m.Id, family, trainingRows))));
                benefit.AddRange(Corrected(study.Sites.Select(s => Row(byRepeat, metric, [s.Id], s.Market, family, trainingRows) is { } row
                    ? row with { Site = s.Id, Baseline = $"local/{s.Id}", Candidate = family.EndsWith("+*", StringComparison.Ordinal) ? family[..^1] + s.Id : family } : null)));
            }
        }
        return benefit;
    }

    private static BenefitInfo? Row(
        List<IReadOnlyList<ComparisonRecord>> repeats, string metric, IReadOnlyList<string> sites, string market, string family, IReadOnlyDictionary<string, int> trainingRows)
    {
        var found = repeats.Select(r => r.Where(c => sites.Contains(c.Site))
            .Select(c => (Record: c, Difference: c.Result.Differences.FirstOrDefault(d => d.Metric == metric))).Where(x => x.Difference is not null).ToList()).ToList();
        var first = found.FirstOrDefault(f => f.Count > 0);
        if (first is null) return null;
        var combined = found.Select(f => Difference.Combine([.. f.Select(x => (x.Difference!, x.Record.Result.Rows))])).ToList();
        var rows = first.Sum(x => x.Record.Result.Rows);
        double training = first.Sum(x => (long)trainingRows.GetValueOrDefault(x.Record.Site));
        var result = combined.Count == 1 ? combined[0] : Difference.OverRepeats([.. combined.Select(c => c.Value)], rows, training);
        return new BenefitInfo(market, null, sites.Count == 1 ? first[0].Record.Baseline : "local/*", family, metric,
            result.Value, result.Low, result.High, result.P, result.P, result.Test, result.Detectable, rows);
    }

    private static IEnumerable<BenefitInfo> Corrected(IEnumerable<BenefitInfo?> rows)
    {
        var present = rows.OfType<BenefitInfo>().ToList();
        var p = Holm.Correct([.. present.Select(r => r.RawP)]);
        return present.Select((row, i) => row with { P = p[i] });
    }
}
