using Comity.Federation.Results;
using Comity.Federation.Rounds;
using Comity.Federation.Sites;
using Comity.Federation.Stores;

namespace Comity.Federation.Runs;

/// <summary>Every model on every site's rows where it may be used, and on the union.</summary>
internal static class Judging
{
    /// <summary>The union of all sites' rows, as a site id.</summary>
    public const string Union = "*";

    private const int SitesBetweenCollections = 32;

    public static async Task RunAsync(RunContext run, IReadOnlyList<RepeatStart> starts, IReadOnlyList<ModelRecord> models, CancellationToken cancellationToken)
    {
        var done = 0;
        await run.AllAsync(models, async (model, token) =>
        {
            if (!run.Store.IsEvaluated(model.Info.Id, model.Info.Repeat))
            {
                var evaluations = await JudgeAsync(run, starts[model.Info.Repeat], model, token).ConfigureAwait(false);
                run.Store.KeepEvaluations(model.Info.Id, model.Info.Repeat, evaluations);
                run.Slots.Discarded(1, model.Info.Parameters);
            }
            run.Tell(new StudyEvent.Evaluated(model.Info.Id, model.Info.Repeat, Interlocked.Increment(ref done), models.Count));
            return 0;
        }, cancellationToken).ConfigureAwait(false);
    }

    private static Task<EvaluationInfo[]> JudgeAsync(RunContext run, RepeatStart start, ModelRecord model, CancellationToken cancellationToken)
    {
        var (id, repeat, parameters) = (model.Info.Id, model.Info.Repeat, run.Store.WeightsFor(model));
        var judged = 0;
        return run.AllAsync(Places(run, model), async (place, token) =>
        {
            var task = new EvaluationTask
            {
                Repeat = repeat, Model = id, Agreed = start.Agreed, Parameters = parameters, Split = place.Split, Detailed = place.Split == RowSplit.Test,
                // Rows of the union stand under their sites already.
                WithPredictions = run.Input.WithPredictions && place.Split == RowSplit.Test && place.Site != Union,
            };
            // Beside a large model the small garbage of many sites counts too.
            var often = Interlocked.Increment(ref judged) % SitesBetweenCollections == 0 ? WorkSlots.VectorsBetween : 0;
            var result = await run.InSlotAsync(() => place.Work.EvaluateAsync(task, token), often, parameters.Length, token).ConfigureAwait(false);
            return new EvaluationInfo { Model = id, Repeat = repeat, Site = place.Site, Split = place.Split, Result = result };
        }, cancellationToken);
    }

    private static List<Place> Places(RunContext run, ModelRecord model)
    {
        var study = run.Input.Study;
        var places = new List<Place>();
        if (model.AtHome) return [new(model.Owner!, run.Sites.Single(s => s.Site == model.Owner), RowSplit.Test)];
        foreach (var site in run.Sites)
        {
            if (model.Owner is null || ArmPlan.IsUsedAt(study, model.Owner, site.Site)) places.Add(new(site.Site, site, RowSplit.Test));
            if (IsCandidate(model)) places.Add(new(site.Site, site, RowSplit.Validation));
        }
        if (run.Input.Pooled is { } pooled)
        {
            if (model.Owner is null || ArmPlan.IsUsedEverywhere(study)) places.Add(new(Union, pooled, RowSplit.Test));
            if (IsCandidate(model)) places.Add(new(Union, pooled, RowSplit.Validation));
        }
        return places;
    }

    /// <summary>Whether a model may become the recommended federation: a common one that sites trained together.</summary>
    public static bool IsCandidate(ModelRecord model) => model.Owner is null && model.Info.Arm == "federated";

    private sealed record Place(string Site, ISiteWork Work, RowSplit Split);
}
