using Comity.Insight.Evidence;

namespace Comity.Insight.Report;

/// <summary>What a reader must not conclude from a study, in words.</summary>
internal static class Limits
{
    private const int Named = 12;

    public static IReadOnlyList<string> Of(ReportView view)
    {
        var (t, results) = (view.T, view.Results);
        var said = results.Warnings.Select(view.WarningText).Distinct().ToList();
        said.AddRange(view.Thin.Take(Named).Select(view.ThinText));
        if (view.Thin.Count > Named) said.Add(t["thin.more", view.F.Count(view.Thin.Count - Named)]);
        said.AddRange(OfJudging(view));
        if (results.Repeats == 1) said.Add(t["limits.one-repeat"]);
        if (view.Answer.Lines.Any(l => double.IsFinite(l.Detectable) && Math.Abs(l.Difference) < l.Detectable)) said.Add(t["limits.detectable"]);
        said.Add(t["limits.where"]);
        return said;
    }

    // What judging found thin stands in the class counts already; these say what the counts can't.
    private static IEnumerable<string> OfJudging(ReportView view) =>
        from test in view.Results.Evaluation
        from warning in test.Result.Warnings
        let code = warning.Split(':')[0]
        where view.T.Find("judged." + code) is not null
        group test by code into found
        orderby found.Key
        select view.T["judged." + found.Key, view.T.List([.. found.Select(e => view.ModelName(e.Model)).Distinct().Take(Named)]), view.T.List([.. found.Select(e => view.SiteName(e.Site)).Distinct().Take(Named)])];
}
