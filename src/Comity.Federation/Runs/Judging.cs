using Comity.Declarations;
using Comity.Federation.Evidence;
using Comity.Federation.Privacy;
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

    private static async Task<EvaluationInfo[]> JudgeAsync(RunContext run, RepeatStart start, ModelRecord model, CancellationToken cancellationToken)
    {
        if (run.Privacy?.Metrics is { } noise) return await NoisedAsync(run, start, model, noise, cancellationToken).ConfigureAwait(false);
        var exact = await ExactAsync(run, start, model, cancellationToken).ConfigureAwait(false);
        return run.Masking is null ? WithUnion(run, model, exact) : model.Owner is not null ? [.. exact.Select(Told)] : await TogetherAsync(run, start, model, exact, cancellationToken).ConfigureAwait(false);
    }

    // Where nobody holds all rows, their scores' histograms tell how well the model ranks them together; one that not all sites told says nothing of all.
    private static EvaluationInfo[] WithUnion(RunContext run, ModelRecord model, EvaluationInfo[] exact)
    {
        var tests = exact.Where(e => e.Split == RowSplit.Test && e.Site != Union).ToList();
        var everywhere = model.Owner is null || ArmPlan.IsUsedEverywhere(run.Input.Study);
        var merged = everywhere && tests.Count > 1 && tests.Count == run.Sites.Count && !exact.Any(e => e.Site == Union) && tests.All(e => e.Result.Scores is not null)
            ? MergedScores.Of([.. tests.Select(e => e.Result.Scores!)]) : null;
        var told = exact.Select(Told);
        return merged is null ? [.. told] : [.. told, new EvaluationInfo { Model = model.Info.Id, Repeat = model.Info.Repeat, Site = Union, Split = RowSplit.Test, Result = merged, Release = "merged" }];
    }

    private static EvaluationInfo Told(EvaluationInfo info) => info.Result.Scores is null ? info : info with { Result = info.Result with { Scores = null } };

    // Under masks what all sites together reached is learnt as a sum; whoever holds all rows of a simulation is not asked where there is one.
    private static async Task<EvaluationInfo[]> TogetherAsync(RunContext run, RepeatStart start, ModelRecord model, EvaluationInfo[] exact, CancellationToken cancellationToken)
    {
        var judged = exact.Select(Told).ToList();
        foreach (var split in IsCandidate(model) ? new[] { RowSplit.Test, RowSplit.Validation } : [RowSplit.Test])
        {
            var task = new CountTask(Task(run, start, model, split), CountsOnly: false) { FormOnly = true };
            var raw = await CountsAsync(run, [.. run.Sites.Select(s => (s, task))], cancellationToken).ConfigureAwait(false);
            if (raw.Any(r => r.Parts.Count == 0)) continue; // a task without counts, or a site that has left
            var form = MaskedSums.FormOf(run, raw);
            var bySite = run.Sites.Select((site, i) => (site, i)).ToDictionary(s => s.site, s => raw[s.i]);
            var sum = await MaskedSums.TakeAsync(run, new SumTask.OfJudging(task with { FormOnly = false }), start.Agreed, form, run.Sites, (site, _) => new(bySite[site]), task.Judged.Parameters, cancellationToken).ConfigureAwait(false);
            judged.RemoveAll(e => e.Site == Union && e.Split == split);
            judged.Add(new EvaluationInfo { Model = model.Info.Id, Repeat = start.Repeat, Site = Union, Split = split, Result = CountedMetrics.Of(sum, noise: 0), Release = "summed" });
        }
        return [.. judged];
    }

    // Every site releases noised counts, once; the metrics of all sites together follow from them and cost nothing more.
    private static async Task<EvaluationInfo[]> NoisedAsync(RunContext run, RepeatStart start, ModelRecord model, MetricsPlan noise, CancellationToken cancellationToken)
    {
        var places = Places(run, model).Where(p => p.Site != Union).ToList();
        var counts = await CountsAsync(run, [.. places.Select(p => (p.Work, new CountTask(Task(run, start, model, p.Split), CountsOnly: true)))], cancellationToken).ConfigureAwait(false);
        var judged = new List<EvaluationInfo>();
        foreach (var split in places.Select((p, i) => (Place: p, Counts: counts[i])).GroupBy(p => p.Place.Split))
        {
            foreach (var (place, counted) in split) judged.Add(Info(place.Site, split.Key, counted, noise.Variance));
            if (model.Owner is null) judged.Add(Info(Union, split.Key, StatisticsAgreement.Merge([.. split.Select(p => p.Counts)]), split.Count() * noise.Variance));
        }
        return [.. judged];

        EvaluationInfo Info(string site, RowSplit split, Statistics counted, double variance) => new()
        {
            Model = model.Info.Id, Repeat = start.Repeat, Site = site, Split = split, Result = CountedMetrics.Of(counted, variance), Release = "noised",
        };
    }

    private static Task<Statistics[]> CountsAsync(RunContext run, IReadOnlyList<(ISiteWork Site, CountTask Task)> asked, CancellationToken cancellationToken) =>
        run.AllAsync(asked, (a, token) => new ValueTask<Statistics>(run.InSlotAsync(async () =>
        {
            var raw = await a.Site.CountAsync(a.Task, token).ConfigureAwait(false);
            if (!a.Task.CountsOnly) return raw; // it leaves under masks
            if (raw.Parts.Count == 0) throw new StudyStoppedException(Messages.Problem("metrics-no-counts", Place.InFile(run.Input.RunFolder), a.Site.Site));
            var released = run.Privacy!.Release(a.Site.Site, a.Task, raw);
            run.Input.Leaving?.Invoke(new Leaving.OfCounts(a.Site.Site, a.Task, released) { Charge = run.Privacy.MetricsCharge });
            return released;
        }, 0, a.Task.Judged.Parameters.Length, token)), cancellationToken);

    private static EvaluationTask Task(RunContext run, RepeatStart start, ModelRecord model, RowSplit split) => new()
    {
        Repeat = start.Repeat, Model = model.Info.Id, Agreed = start.Agreed, Parameters = run.Store.WeightsFor(model), Split = split,
    };

    private static Task<EvaluationInfo[]> ExactAsync(RunContext run, RepeatStart start, ModelRecord model, CancellationToken cancellationToken)
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

    private static List<JudgingPlace> Places(RunContext run, ModelRecord model)
    {
        var study = run.Input.Study;
        var places = new List<JudgingPlace>();
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

    private sealed record JudgingPlace(string Site, ISiteWork Work, RowSplit Split);
}
