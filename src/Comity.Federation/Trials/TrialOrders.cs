using System.Globalization;
using System.Text.Json;
using Comity.Federation.Runs;
using Comity.Federation.Spool;
using Comity.Federation.Stores;
using Comity.Federation.Studies;

namespace Comity.Federation.Trials;

/// <summary>Makes orders of a run's trials, has them trained elsewhere, and takes what came of them into the run's store.</summary>
/// <remarks>
/// <code>
/// trials not yet in the store ─► orders (sites' own models in groups) ─► <see cref="StudyRunInput.TrainedElsewhere"/> ─► product ─► store
/// </code>
/// A run that is resumed finds what it took; only the rest is ordered again.
/// </remarks>
internal sealed class TrialOrders(RunContext run, IReadOnlyList<RepeatStart> starts)
{
    public const string RecordSuffix = ".json";
    public const string VectorSuffix = ".f32";

    private readonly RoundDecisions _decisions = new(run, starts);

    private string Folder => FolderOf(run);

    /// <summary>Where orders' files lie on the run's machine.</summary>
    public static string FolderOf(RunContext run) => Path.Combine(run.Input.RunFolder, "state", "orders");

    /// <summary>Name of the file of what was agreed on; not a model's, whose names begin otherwise.</summary>
    public static string AgreedName(int repeat) => string.Create(CultureInfo.InvariantCulture, $"agreed~r{repeat}");

    /// <summary>Where the file of what was agreed on lies.</summary>
    public static string AgreedPath(RunContext run, int repeat) => Path.Combine(FolderOf(run), AgreedName(repeat));

    /// <summary>Has all trials trained that are not done yet.</summary>
    public async Task RunAsync(IReadOnlyList<StudyRun.Trial> trials, CancellationToken cancellationToken)
    {
        var orders = new List<StudyRun.Trial[]>();
        // Whatever is done already, the groups are the same: a store that knows an order by its name knows it after a resume.
        foreach (var group in trials.GroupBy(t => (t.Plan.Repeat, Alone: t.Plan.Arm == "local")).SelectMany(g => g.Chunk(g.Key.Alone ? Math.Max(1, run.Input.SitesTogether) : 1)))
        {
            if (group.All(IsDone))
            {
                foreach (var trial in group) Finished(trial, resumed: true);
            }
            else orders.Add(group);
        }
        foreach (var repeat in orders.Select(o => o[0].Plan.Repeat).Distinct()) WriteAgreed(repeat);
        await run.AllAsync(orders, TrainAsync, cancellationToken, orders.Count).ConfigureAwait(false);
    }

    private async ValueTask<int> TrainAsync(StudyRun.Trial[] trials, CancellationToken cancellationToken)
    {
        // Its rounds are this run's own work then, and survive it; its sites are trained elsewhere.
        if (await _decisions.IsDividedAsync(trials[0].Plan, cancellationToken).ConfigureAwait(false))
        {
            await _decisions.DriveAsync(trials[0], cancellationToken).ConfigureAwait(false);
            return 0;
        }
        var order = Order(trials);
        var handover = await run.Input.TrainedElsewhere!(order, cancellationToken).ConfigureAwait(false);
        TrialProduct.Take(run, order, handover.Folder);
        Directory.Delete(handover.Folder, recursive: true);
        await handover.Kept(cancellationToken).ConfigureAwait(false);
        foreach (var trial in trials) Finished(trial, resumed: false);
        return 0;
    }

    private TrialOrder Order(StudyRun.Trial[] trials)
    {
        var (plan, repeat) = (trials[0].Plan, trials[0].Plan.Repeat);
        var name = trials.Length == 1 ? plan.Model : $"{plan.Model}..{trials[^1].Plan.Model}";
        return new TrialOrder
        {
            Id = string.Create(CultureInfo.InvariantCulture, $"{name}~r{repeat}"),
            Repeat = repeat,
            Models = [.. trials.Select(t => t.Plan.Model)],
            Cost = trials.Sum(Cost),
            Slots = plan.Rounds > 0 ? Math.Max(1, plan.Sites) : trials.Length,
            LayoutDigest = starts[repeat].Model.Layout.Digest,
            Files = [new(AgreedName(repeat), AgreedPath(run, repeat)), .. Given(plan)],
            Begun = () =>
            {
                foreach (var trial in trials) run.Tell(new StudyEvent.TrialStarted(trial.Plan.Model, repeat, trial.Plan.Arm, trial.Plan.Rounds, 0));
            },
        };
    }

    // A join begins with the sites' own models, which are finished.
    private List<TrialFile> Given(PlannedTrial plan)
    {
        if (plan.Arm != "combined" || run.Input.Study.Combined.Single(c => CombinedTrial.IdOf(c) == plan.Model) is not { FromLocal: true }) return [];
        var files = new List<TrialFile>();
        foreach (var site in run.TrainingSites)
        {
            var record = run.Store.Model($"local/{site.Site}", plan.Repeat)!;
            var name = string.Create(CultureInfo.InvariantCulture, $"models/local~{site.Site}~r{plan.Repeat}");
            var path = Path.Combine(Folder, name);
            FloatFile.Write(path + VectorSuffix, run.Store.Weights(record.Info));
            File.WriteAllBytes(path + RecordSuffix, JsonSerializer.SerializeToUtf8Bytes(record, RunStore.Json));
            files.AddRange([new(name + RecordSuffix, path + RecordSuffix), new(name + VectorSuffix, path + VectorSuffix)]);
        }
        return files;
    }

    private void WriteAgreed(int repeat)
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllBytes(Path.Combine(Folder, AgreedName(repeat)), JsonSerializer.SerializeToUtf8Bytes(starts[repeat].Agreed, RunStore.Json));
    }

    // The sites' own versions of a common model are kept after it, one by one: a run that was killed in between has more to do.
    private bool IsDone(StudyRun.Trial trial) => Done(trial) is not null
        && (trial.Plan.Arm != "federated" || run.Input.Study.AllFederations.Single(f => $"federated/{f.Id}" == trial.Plan.Model).Personalise is null
            || run.Store.PersonalModels(trial.Plan.Model, trial.Plan.Repeat).Count == run.TrainingSites.Count);

    private ModelRecord? Done(StudyRun.Trial trial) => run.Store.Model(trial.Plan.Model, trial.Plan.Repeat);

    private void Finished(StudyRun.Trial trial, bool resumed) =>
        run.Tell(new StudyEvent.TrialFinished(trial.Plan.Model, trial.Plan.Repeat, trial.Plan.Arm, Done(trial)!.Info.Seconds, resumed));

    // Rows that training passes over, times parameters: the tries of a search count like the training that follows.
    private double Cost(StudyRun.Trial trial) => trial.Tries.Append(trial.Plan).Sum(Passes) * starts[trial.Plan.Repeat].Model.Layout.Length;

    private double Passes(PlannedTrial plan)
    {
        var rows = run.Input.Described.ToDictionary(s => s.Id, s => Math.Max(1, s.TrainingRows), StringComparer.Ordinal);
        double together = run.TrainingSites.Sum(s => rows.GetValueOrDefault(s.Site, 1));
        if (plan.Rounds > 0) return together * plan.Sites / run.TrainingSites.Count * plan.Rounds * Math.Max(1, plan.LocalEpochs);
        return run.Input.EpochsAlone * (plan.Arm == "local" ? rows.GetValueOrDefault(plan.Model.Split('/', '@')[1], 1) : together);
    }
}
