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
                var shared = candidates is [{ Owner: null }] ? candidates[0] : null;
                var common = shared is null ? null : run.Store.Weights(shared.Info);
                // A site that never came has no model of its own, and nothing to compare.
                var pairs = run.TrainingSites.Select(s => (Site: s, Baseline: run.Store.Model($"local/{s.Site}", repeat), Candidate: shared ?? candidates.SingleOrDefault(c => c.Owner == s.Site)))
                    .Where(p => p is { Baseline: not null, Candidate: not null }).ToList();
                var compared = await run.AllAsync(pairs, async (pair, token) =>
                {
                    var (site, baseline, candidate) = (pair.Site, pair.Baseline!, pair.Candidate!);
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
