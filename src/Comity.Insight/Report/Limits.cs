using Comity.Federation.Results;

namespace Comity.Insight.Report;

/// <summary>What a reader must not conclude from a study, in words.</summary>
internal static class Limits
{
    private const int Named = 12;
    private const int OfOneKind = 6;

    // These are said from the class counts, with how many rows there are in each repeat.
    private static readonly HashSet<string> SaidByCounts = new(StringComparer.Ordinal) { "one-class", "few-negatives", "few-positives", "few-of-class", "thin-test" };

    /// <summary>What this study in particular must be read with: arms that did not run, thin evidence, refused updates.</summary>
    public static List<string> Notes(ReportView view)
    {
        var (t, results) = (view.T, view.Results);
        var said = new List<string>();
        foreach (var kind in results.Warnings.Where(w => !SaidByCounts.Contains(w.Code)).GroupBy(w => w.Code)) AddKind(said, view, [.. kind]);
        said.AddRange(view.Thin.Take(Named).Select(view.ThinText));
        if (view.Thin.Count > Named) said.Add(t["thin.more", view.F.Count(view.Thin.Count - Named)]);
        return said;
    }

    /// <summary>The notes, and what holds for any study of its kind.</summary>
    public static List<string> Of(ReportView view)
    {
        var (t, results) = (view.T, view.Results);
        var said = Notes(view);
        if (results.Repeats == 1) said.Add(t["limits.one-repeat"]);
        if (view.Answer.Lines.Any(l => double.IsFinite(l.Detectable) && Math.Abs(l.Difference) < l.Detectable)) said.Add(t["limits.detectable"]);
        said.Add(t["limits.where"]);
        return said;
    }

    private static void AddKind(List<string> said, ReportView view, IReadOnlyList<ResultWarning> warnings)
    {
        // What judging said names a site first; the sites are told together.
        if (view.T.Find("judged." + warnings[0].Code) is not null && warnings.All(w => w.Arguments.Count > 0))
        {
            var sites = warnings.Select(w => view.SiteName(w.Arguments[0])).Distinct().ToList();
            var told = sites.Count <= Named ? view.T.List(sites) : view.T["contributors.and-more", string.Join(view.T["list.separator"], sites.Take(Named)), view.F.Count(sites.Count - Named)];
            said.Add(view.T["judged." + warnings[0].Code, told]);
            return;
        }
        said.AddRange(warnings.Take(OfOneKind).Select(view.WarningText).Distinct());
        if (warnings.Count > OfOneKind) said.Add(view.T["warning.more", view.F.Count(warnings.Count - OfOneKind)]);
    }
}
