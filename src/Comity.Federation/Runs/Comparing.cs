using Comity.Federation.Sites;
using Comity.Federation.Stores;

namespace Comity.Federation.Runs;

/// <summary>Each candidate against each site's own model, on the same test rows at that site.</summary>
internal static class Comparing
{
    public static async Task RunAsync(RunContext run, IReadOnlyList<RepeatStart> starts, IReadOnlyList<ModelRecord> models, CancellationToken cancellationToken)
    {
        if (!ArmPlan.TrainsLocal(run.Input.Study)) return;
        if (run.Privacy?.Metrics is not null) return; // rows compared one by one have no counts that noise could hide a row in
        var families = Families(models).ToList();
        var done = 0;
        foreach (var (family, repeat, candidates) in families)
        {
            if (run.Store.Comparisons(family, repeat) is null)
            {
                // The common candidate's vector is read once, not for each site.
                var common = candidates.Count == 1 && candidates[0].Owner is null ? run.Store.Weights(candidates[0].Info) : null;
                var compared = await run.AllAsync(run.TrainingSites, async (site, token) =>
                {
                    var candidate = common is not null ? candidates[0] : candidates.Single(c => c.Owner == site.Site);
                    var baseline = run.Store.Model($"local/{site.Site}", repeat)!;
                    var result = await run.InSlotAsync(() => site.CompareAsync(new ComparisonTask
                    {
                        Repeat = repeat, Agreed = starts[repeat].Agreed,
                        Baseline = baseline.Info.Id, BaselineParameters = run.Store.WeightsFor(baseline),
                        Candidate = candidate.Info.Id, CandidateParameters = common ?? run.Store.WeightsFor(candidate),
                    }, token), vectors: common is null ? 2 : 1, baseline.Info.Parameters, token).ConfigureAwait(false);
                    return new ComparisonRecord(site.Site, baseline.Info.Id, candidate.Info.Id, result);
                }, cancellationToken).ConfigureAwait(false);
                run.Store.KeepComparisons(family, repeat, compared);
            }
            run.Tell(new StudyEvent.Compared(family, repeat, ++done, families.Count));
        }
    }

    /// <summary>Everything that is not a site's own local model, a personalised family together.</summary>
    public static IEnumerable<(string Family, int Repeat, List<ModelRecord> Models)> Families(IReadOnlyList<ModelRecord> models) =>
        models.Where(m => m.Info.Arm != "local").GroupBy(m => (m.Family, m.Info.Repeat)).Select(g => (g.Key.Family, g.Key.Repeat, g.ToList()));
}
