using Comity.Federation.Results;

namespace Comity.Coordinator.Studies;

/// <summary>Which losses the results of a study tell: a mean over sites hides each, that of a single one is the site's own, which its owner may not show (<c>policy: showLoss</c>).</summary>
internal static class ToldLosses
{
    /// <summary>The results without the losses of rounds to which one site alone contributed.</summary>
    public static StudyResults Of(StudyResults results)
    {
        var alone = results.Contributors.Where(r => r.Contributed.Count == 1).Select(r => (r.Model, r.Repeat, r.Round)).ToHashSet();
        return alone.Count == 0 ? results : results with
        {
            History = [.. results.History.Select(h => alone.Contains((h.Model, h.Repeat, h.Round)) ? h with { Loss = double.NaN, Metrics = new Dictionary<string, double>() } : h)],
        };
    }
}
