using Comity.Insight.Evidence;

namespace Comity.Insight.Report;

/// <summary>Says the study's answer in a sentence or two, and no more than the numbers bear.</summary>
internal static class Headline
{
    public static string Of(ReportView view)
    {
        var (answer, t) = (view.Answer, view.T);
        if (answer.Common is null) return t["headline.no-common"];
        if (answer.Lines.Count == 0) return t["headline.uncompared"];
        if (answer.Lines.Count == 1) return t[answer.Count(Verdict.Better) == 1 ? "headline.one-gains" : "headline.one-does-not", view.PlaceName(answer.Lines[0])];
        if (answer.Count(Verdict.Better) == 0 && ClearAbroad(view) is { } abroad)
            return t["headline.clear-abroad", view.F.Value(abroad.Common.Mean), view.F.Value(abroad.Own.Mean), view.Metric];
        return AtHome(view);
    }

    /// <summary>How sure that is, where it is otherwise, and what happens away from home.</summary>
    public static IReadOnlyList<string> Details(ReportView view)
    {
        var (answer, t) = (view.Answer, view.T);
        var said = new List<string>();
        if (answer.Lines.Count > 0)
        {
            if (answer.Lines.Count > 1 && answer.Count(Verdict.Better) == 0 && ClearAbroad(view) is not null)
                said.Add(t[$"headline.at-home.{Unit(answer)}", answer.Gains, answer.Lines.Count]);
            AddPlaces(said, view, Verdict.Worse, "headline.worse");
            AddPlaces(said, view, Verdict.PerhapsWorse, "headline.perhaps-worse");
            AddPlaces(said, view, Verdict.Undefined, "headline.undefined");
        }
        if (view.HomeAndAbroad.Abroad.Count > 0)
        {
            var abroad = view.HomeAndAbroad.Abroad[^1];
            said.Add(t["headline.abroad", view.Metric, view.F.WithInterval(abroad.Own), view.F.WithInterval(abroad.Common), view.F.Count(abroad.Common.Rows)]);
        }
        if (view.Absent.Count > 0) said.Add(t["headline.absent", t.List([.. view.Absent])]);
        if (view.Thin.Count > 0 && !view.ManySites) said.Add(t["headline.thin", t.List([.. view.Thin.Select(x => x.Site).Distinct()])]);
        return said;
    }

    private static string Unit(MarketAnswer answer) => answer.BySite ? "sites" : "markets";

    private static string AtHome(ReportView view)
    {
        var (answer, t) = (view.Answer, view.T);
        var unit = Unit(answer);
        var (sure, all) = (answer.Count(Verdict.Better), answer.Lines.Count);
        return sure == all ? t[$"headline.all.{unit}", all]
            : sure > 0 && sure == answer.Gains ? t[$"headline.some-clear.{unit}", sure, all]
            : sure > 0 ? t[$"headline.some.{unit}", answer.Gains, all, sure]
            : answer.Gains > 0 ? t[$"headline.unclear.{unit}", answer.Gains, all]
            : t[$"headline.none.{unit}", all];
    }

    // "Clear" needs intervals that do not touch, and must not hide a clear loss at home.
    private static OwnAgainstCommon? ClearAbroad(ReportView view)
    {
        if (view.HomeAndAbroad.Abroad.Count == 0 || view.Answer.Count(Verdict.Worse) > 0) return null;
        var abroad = view.HomeAndAbroad.Abroad[^1];
        var clear = MetricTraits.HigherIsBetter(view.Results.PrimaryMetric) ? abroad.Common.Low > abroad.Own.High : abroad.Common.High < abroad.Own.Low;
        return clear ? abroad : null;
    }

    private static void AddPlaces(List<string> said, ReportView view, Verdict verdict, string key)
    {
        var places = view.Answer.Lines.Where(l => MarketAnswer.VerdictOf(l) == verdict).Select(view.PlaceName).ToList();
        if (places.Count is > 0 and <= 6) said.Add(view.T[key, view.T.List(places)]);
        if (places.Count > 6) said.Add(view.T[key, view.T["headline.places", view.F.Count(places.Count)]]);
    }
}
