using Comity.Federation.AtRest;
using Comity.Federation.Masking;
using Comity.Federation.Privacy;
using Comity.Federation.Rounds;
using Comity.Federation.Sites;
using Comity.Federation.Stores;
using Comity.Federation.Studies;
using Comity.Federation.Trials;

namespace Comity.Federation.Runs;

/// <summary>Runs a whole study in one process, through the same machines and the same gate as over a network.</summary>
/// <remarks>
/// <code>
/// shared statistics ─► first weights ─► trials (local, pooled, federated) ─► combined ─► judging ─► comparing ─► results
/// └──────────────────────── each step is durable before the next; a killed run goes on where it was ────────────────┘
/// </code>
/// Trials and sites run side by side on <see cref="StudyRunInput.Jobs"/> slots; everything is added up in site order, so the
/// bits don't depend on it.
/// </remarks>
public static class StudyRun
{
    /// <summary>Runs or resumes the study.</summary>
    /// <exception cref="Comity.Declarations.InvalidDeclarationException">The folder holds a run that can't be continued, or the sites don't fit together.</exception>
    /// <exception cref="StudyStoppedException">Training diverged, or a round missed its quorum; the state stays and can be resumed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the state stays and can be resumed.</exception>
    public static async Task<StudyOutcome> RunAsync(StudyRunInput input, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        input = input with { Sites = InStudyOrder(input) };
        // Under privacy an update is deleted as soon as it was summed up, not when the next one is written over it.
        var spares = input.Study.Privacy is null ? SpareFiles.OfRun(input.RunFolder) : null;
        var store = RunStore.Open(input.RunFolder, input.Resume, Identity(input), input.Time, input.BeforeWrite, input.Shared, input.Vault, spares);
        try
        {
            using var threads = new WorkThreads(Math.Max(1, input.Jobs));
            var slots = new WorkSlots(input.Jobs, threads);
            using var privacy = await RunPrivacy.OpenAsync(input, store, cancellationToken).ConfigureAwait(false);
            using var masking = RunMasking.Open(input, store);
            var run = new RunContext(input, store, slots) { Privacy = privacy, Masking = masking };
            await WorkSlots.PhaseEndedAsync().ConfigureAwait(false); // the caller has just read and checked all records
            var starts = await StartsAsync(run, cancellationToken).ConfigureAwait(false);
            await WorkSlots.PhaseEndedAsync().ConfigureAwait(false);
            var trials = Trials(run, starts);
            run.Tell(new StudyEvent.Planned([.. trials.Alike.Concat(trials.Joining).SelectMany(t => t.Tries.Append(t.Plan))]));
            var atOnce = AtOnce(input, starts[0].Model.Layout.Length);
            // What is trained at one place takes no memory here when that place is elsewhere.
            var (together, alone) = input.Channels is null ? (trials.Alike, []) : (trials.Alike.FindAll(t => t.Plan.Rounds > 0), trials.Alike.FindAll(t => t.Plan.Rounds == 0));
            List<Trial> left = [];
            if (input.TrainedElsewhere is null)
            {
                left = await AtSitesAsync(run, alone, cancellationToken).ConfigureAwait(false);
                await run.AllAsync(together, Go, cancellationToken, atOnce).ConfigureAwait(false);
                left = await AtSitesAsync(run, left, cancellationToken).ConfigureAwait(false); // who came during the rounds
                if (left.Count > 0 && trials.Joining.Count > 0) throw new SiteGoneException(left[0].At!.Site); // they may join its model
                await run.AllAsync(trials.Joining, Go, cancellationToken, atOnce).ConfigureAwait(false);
            }
            else
            {
                var orders = new TrialOrders(run, starts);
                await orders.RunAsync(trials.Alike, cancellationToken).ConfigureAwait(false);
                await orders.RunAsync(trials.Joining, cancellationToken).ConfigureAwait(false);
            }
            var models = Finished(input, store, trials, left);
            slots.ForgetVectors();
            threads.Renew();
            input.TrainingEnded?.Invoke();
            (starts, trials, together, alone, left) = ([.. starts.Select(s => s.Trained())], ([], []), [], [], []); // the trials hold first weights too
            await WorkSlots.PhaseEndedAsync().ConfigureAwait(false);
            await Judging.RunAsync(run, starts, models, cancellationToken).ConfigureAwait(false);
            await WorkSlots.PhaseEndedAsync().ConfigureAwait(false);
            await Comparing.RunAsync(run, starts, models, cancellationToken).ConfigureAwait(false);
            await WorkSlots.PhaseEndedAsync().ConfigureAwait(false);
            return new StudyOutcome(store, Outcome.Assemble(run, starts, models));
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Trains a trial.</summary>
    internal static async ValueTask<int> Go(Trial trial, CancellationToken token)
    {
        await trial.Run(token).ConfigureAwait(false);
        // What follows must not run from the bottom of the trial's own stack, whose frames hold its model.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return 0;
    }

    // A site that is not there yet, or leaves meanwhile, has no model of its own: what it would have trained is returned.
    private static async Task<List<Trial>> AtSitesAsync(RunContext run, List<Trial> trials, CancellationToken cancellationToken)
    {
        var left = await run.AllAsync(trials, async (trial, token) =>
        {
            if (trial.At is { TakesPart: false } && run.Store.Model(trial.Plan.Model, trial.Plan.Repeat) is null) return trial;
            try
            {
                await Go(trial, token).ConfigureAwait(false);
                return null;
            }
            catch (SiteGoneException) when (trial.At is not null)
            {
                return trial;
            }
        }, cancellationToken).ConfigureAwait(false);
        return [.. left.OfType<Trial>()];
    }

    // Parameters, what the strategy makes of them and its states: about three vectors for each model under way.
    internal static int AtOnce(StudyRunInput input, int parameters) =>
        input.MemoryForModels is { } bytes ? (int)Math.Clamp(bytes / (3 * 4L * Math.Max(1, parameters)), 1, input.Jobs) : input.Jobs;

    internal static List<ISiteWork> InStudyOrder(StudyRunInput input)
    {
        var bySite = input.Sites.ToDictionary(s => s.Site, StringComparer.Ordinal);
        if (bySite.Count != input.Study.Sites.Count) throw new ArgumentException($"The study has {input.Study.Sites.Count} sites; work was given for {bySite.Count}.", nameof(input));
        return [.. input.Study.Sites.Select(s => bySite.TryGetValue(s.Id, out var work) ? work : throw new ArgumentException($"No work was given for the site '{s.Id}'.", nameof(input)))];
    }

    // What the bits depend on. Jobs do not belong here: a run may go on with another number.
    internal static List<KeyValuePair<string, string>> Identity(StudyRunInput input) =>
    [
        new("study", input.StudySha256),
        new("seed", input.Study.Seed.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        new("arms", string.Join(",", input.Study.Arms.Distinct().Order())),
        new("repeats", input.Study.Repeats.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        new("version", input.Environment.Version),
        new("architecture", $"{input.Environment.Architecture}/{input.Environment.VectorBits}"),
    ];

    private static async Task<List<RepeatStart>> StartsAsync(RunContext run, CancellationToken cancellationToken)
    {
        var starts = new List<RepeatStart>();
        for (var repeat = 0; repeat < run.Input.Study.Repeats; repeat++)
        {
            var agreed = run.Store.Agreed(repeat);
            if (agreed is null)
            {
                agreed = await AgreeAsync(run, repeat, cancellationToken).ConfigureAwait(false);
                run.Store.KeepAgreed(repeat, agreed);
            }
            starts.Add(new RepeatStart(repeat, agreed, await run.Input.Model.StartAsync(repeat, agreed, cancellationToken).ConfigureAwait(false)));
        }
        return starts;
    }

    private static async Task<Statistics> AgreeAsync(RunContext run, int repeat, CancellationToken cancellationToken)
    {
        var agreed = Statistics.None;
        var steps = run.Input.Model.StatisticsSteps;
        // All steps are of the same rows: who comes in between enters with the rounds.
        var sites = run.TrainingSites.Where(s => s.TakesPart).ToList();
        if (sites.Count == 0) throw new SiteGoneException(run.TrainingSites[0].Site);
        foreach (var step in steps)
        {
            var task = new StatisticsTask(repeat, step, agreed);
            var together = run.Masking is null ? StatisticsAgreement.Merge(await BySiteAsync(run, sites, task, CollectAsync, cancellationToken).ConfigureAwait(false))
                : await MaskedAsync(run, task, cancellationToken).ConfigureAwait(false);
            agreed = new Statistics([.. agreed.Parts, .. together.Parts]);
            run.Tell(new StudyEvent.StatisticsAgreed(repeat, step, steps.Count));
        }
        return agreed;
    }

    private static Task<Statistics[]> BySiteAsync(RunContext run, IReadOnlyList<ISiteWork> sites, StatisticsTask task, Func<RunContext, ISiteWork, StatisticsTask, CancellationToken, ValueTask<Statistics>> collect, CancellationToken cancellationToken) =>
        run.AllAsync(sites, (site, token) => new ValueTask<Statistics>(run.InSlotAsync(() => collect(run, site, task, token), 0, 0, token)), cancellationToken);

    // Sites elsewhere tell the form only, and count again under their masks; those of this process have counted already.
    private static async Task<Statistics> MaskedAsync(RunContext run, StatisticsTask task, CancellationToken cancellationToken)
    {
        var raw = await BySiteAsync(run, run.TrainingSites, task with { FormOnly = true }, static (_, site, asked, token) => site.CollectAsync(asked, token), cancellationToken).ConfigureAwait(false);
        var bySite = run.TrainingSites.Select((site, i) => (site, i)).ToDictionary(s => s.site, s => raw[s.i]);
        var noised = run.Privacy is not null;
        var form = MaskedSums.FormOf(run, [.. raw.Select(r => noised ? MaskedNumbers.Fractional(r) : r)]);
        var sum = await MaskedSums.TakeAsync(run, new SumTask.OfStatistics(task), task.Agreed, form, run.TrainingSites,
            (site, _) => new(noised ? MaskedNumbers.Fractional(run.Privacy!.Release(site.Site, task, bySite[site])) : bySite[site]), default, cancellationToken).ConfigureAwait(false);
        if (run.Input.Channels is not null)
        {
            foreach (var site in run.TrainingSites) run.Privacy?.Arrived(site.Site, task);
        }
        return sum;
    }

    private static async ValueTask<Statistics> CollectAsync(RunContext run, ISiteWork site, StatisticsTask task, CancellationToken cancellationToken)
    {
        var raw = await site.CollectAsync(task, cancellationToken).ConfigureAwait(false);
        var released = run.Privacy is null ? raw : run.Privacy.Release(site.Site, task, raw);
        run.Input.Leaving?.Invoke(new Leaving.OfStatistics(site.Site, task, released) { Charge = run.Privacy?.StatisticsCharge });
        return released;
    }

    /// <summary>The study's trials in the given repeats, and those that begin when all of them are done.</summary>
    internal static (List<Trial> Alike, List<Trial> Joining) Trials(RunContext run, List<RepeatStart> starts)
    {
        var study = run.Input.Study;
        var (alike, joining) = (new List<Trial>(), new List<Trial>());
        foreach (var start in starts)
        {
            if (ArmPlan.TrainsLocal(study))
            {
                foreach (var site in run.TrainingSites)
                {
                    var id = $"local/{site.Site}";
                    alike.Add(Alone(run, start, site, id, "local", site.Site, [site.Site]) with { At = site });
                }
            }
            if (study.Arms.Contains(Arm.Pooled) && run.Input.Pooled is { } pooled)
                alike.Add(Alone(run, start, pooled, "pooled", "pooled", null, [.. run.TrainingSites.Select(s => s.Site)]));
            if (study.Arms.Contains(Arm.Federated))
            {
                foreach (var section in study.AllFederations)
                {
                    var id = $"federated/{section.Id}";
                    alike.Add(new(new(id, start.Repeat, "federated", section.Rounds, section.LocalEpochs, section.Cohort.Of(run.TrainingSites.Count)), t => SearchedTrials.FederatedAsync(run, start, section, id, t))
                    {
                        Tries = [.. section.Settings.Select((s, i) => new PlannedTrial(SettingSearch.TrialId(id, i), start.Repeat, "federated",
                            section.Search?.Rounds ?? s.Federation.Rounds, s.Federation.LocalEpochs, section.Cohort.Of(run.TrainingSites.Count)))],
                    });
                }
            }
            if (study.Arms.Contains(Arm.Combined))
            {
                foreach (var section in study.Combined.Where(c => !c.FromLocal || run.Input.OwnModelsStay.Count == 0))
                {
                    joining.Add(new(new(CombinedTrial.IdOf(section), start.Repeat, "combined", section.By.RoundsOrNone, section.By.EpochsInRound, run.TrainingSites.Count),
                        t => CombinedTrial.RunAsync(run, start, section, t)));
                }
            }
        }
        return (alike, joining);
    }

    private static List<ModelRecord> Finished(StudyRunInput input, RunStore store, (List<Trial> Alike, List<Trial> Joining) trials, List<Trial> left)
    {
        var position = input.Study.Sites.Select((site, i) => (site.Id, i)).ToDictionary(x => x.Id, x => x.i, StringComparer.Ordinal);
        var models = new List<ModelRecord>();
        foreach (var plan in trials.Alike.Except(left).Concat(trials.Joining).Select(t => t.Plan).OrderBy(p => p.Repeat))
        {
            models.Add(store.Model(plan.Model, plan.Repeat)!);
            if (plan.Arm == "federated") models.AddRange(store.PersonalModels(plan.Model, plan.Repeat).OrderBy(m => position[m.Owner!]));
        }
        return models;
    }

    private static Trial Alone(RunContext run, RepeatStart start, ISiteWork work, string id, string arm, string? owner, IReadOnlyList<string> trainedOn) =>
        new(new(id, start.Repeat, arm, 0, 0, 1), t => SearchedTrials.AloneAsync(run, start, work, id, arm, owner, trainedOn, t))
        {
            Tries = [.. Enumerable.Range(0, run.Input.Study.Search?.Settings ?? 0).Select(i => new PlannedTrial(SettingSearch.TrialId(id, i), start.Repeat, arm, 0, 0, 1))],
        };

    internal sealed record Trial(PlannedTrial Plan, Func<CancellationToken, Task> Run)
    {
        /// <summary>The site that trains it alone; null: several do, or none.</summary>
        public ISiteWork? At { get; init; }

        /// <summary>Trials of settings that come before it.</summary>
        public IReadOnlyList<PlannedTrial> Tries { get; init; } = [];
    }
}
