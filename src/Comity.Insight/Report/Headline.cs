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
        var unit = answer.BySite ? "sites" : "markets";
        if (answer.Lines.Count == 1) return t[answer.Gains == 1 ? "headline.one-gains" : "headline.one-does-not", view.PlaceName(answer.Lines[0])];
        return answer.Gains == answer.Lines.Count ? t[$"headline.all.{unit}", answer.Lines.Count]
            : answer.Gains == 0 ? t[$"headline.none.{unit}", answer.Lines.Count]
            : t[$"headline.some.{unit}", answer.Gains, answer.Lines.Count];
    }

    /// <summary>How sure that is, where it is otherwise, and what happens away from home.</summary>
    public static IReadOnlyList<string> Details(ReportView view)
    {
        var (answer, t) = (view.Answer, view.T);
        var said = new List<string>();
        if (answer.Lines.Count > 0)
        {
            var sure = answer.Count(Verdict.Better);
            if (answer.Gains > 0)
                said.Add(sure == 0 ? t["headline.unsure"] : sure == answer.Gains ? t["headline.sure"] : t["headline.partly-sure", sure, answer.Gains]);
            AddPlaces(said, view, Verdict.Worse, "headline.worse");
            AddPlaces(said, view, Verdict.PerhapsWorse, "headline.perhaps-worse");
            AddPlaces(said, view, Verdict.Undefined, "headline.undefined");
        }
        if (view.HomeAndAbroad.Abroad.Count > 0)
        {
            var abroad = view.HomeAndAbroad.Abroad[^1];
            said.Add(t["headline.abroad", view.Metric, view.F.WithInterval(abroad.Own), view.F.WithInterval(abroad.Common), view.F.Count(abroad.Common.Rows)]);
        }
        if (view.Thin.Count > 0 && !view.ManySites) said.Add(t["headline.thin", t.List([.. view.Thin.Select(x => x.Site).Distinct()])]);
        return said;
    }

    private static void AddPlaces(List<string> said, ReportView view, Verdict verdict, string key)
    {
        var places = view.Answer.Lines.Where(l => MarketAnswer.VerdictOf(l) == verdict).Select(view.PlaceName).ToList();
        if (places.Count is > 0 and <= 6) said.Add(view.T[key, view.T.List(places)]);
        if (places.Count > 6) said.Add(view.T[key, view.T["headline.places", view.F.Count(places.Count)]]);
    }
}
