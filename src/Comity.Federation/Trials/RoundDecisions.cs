using System.Globalization;
using Comity.Federation.Runs;
using Comity.Federation.Studies;

namespace Comity.Federation.Trials;

/// <summary>Decides once for each federation whether its rounds are divided among workers, and drives those that are.</summary>
internal sealed class RoundDecisions(RunContext run, IReadOnlyList<RepeatStart> starts)
{
    private readonly Dictionary<string, bool> _decided = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _deciding = new(1, 1);

    // Each that is driven has its model in this process.
    private readonly SemaphoreSlim _driving = new(StudyRun.AtOnce(run.Input, starts[0].Model.Layout.Length));

    /// <summary>Whether the rounds of a trial are divided.</summary>
    public async Task<bool> IsDividedAsync(PlannedTrial plan, CancellationToken cancellationToken)
    {
        if (run.Input.Division is not { } division || plan.Arm != "federated") return false;
        var section = run.Input.Study.AllFederations.Single(f => $"federated/{f.Id}" == plan.Model);
        // One at a time: measurements beside each other measure each other.
        await _deciding.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_decided.TryGetValue(section.Id, out var divided)) _decided[section.Id] = divided = await DecideAsync(division, section, plan, cancellationToken).ConfigureAwait(false);
            return divided;
        }
        finally
        {
            _deciding.Release();
        }
    }

    /// <summary>Runs a trial whose rounds are divided, from where it stands.</summary>
    public async Task DriveAsync(StudyRun.Trial trial, CancellationToken cancellationToken)
    {
        await _driving.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await StudyRun.Go(trial, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _driving.Release();
        }
    }

    private async Task<bool> DecideAsync(RoundDivision division, FederationSection section, PlannedTrial plan, CancellationToken cancellationToken)
    {
        var whole = division.Mode == DivisionMode.Never ? "not-asked" : DivisionRule.WholeBecause(run, section);
        if (whole is null && division.Mode == DivisionMode.Always) run.Divided[section.Id] = double.NaN;
        else if (whole is null) whole = await MeasuredAsync(division, section, plan, cancellationToken).ConfigureAwait(false);
        // That two sites, or rounds that nobody asked to divide, stay together is nothing to tell.
        if (whole is not ("not-asked" or "few-sites" or "elsewhere")) run.Tell(new StudyEvent.RoundsDivided(plan.Model, whole));
        return whole is null;
    }

    // What a resumed run measured before stands, so that it goes on with rounds that it divided.
    private async Task<string?> MeasuredAsync(RoundDivision division, FederationSection section, PlannedTrial plan, CancellationToken cancellationToken)
    {
        var key = $"divided/{section.Id}";
        string? whole;
        double secondsPerCost;
        if (run.Store.Value(key)?.Split(' ') is [var kept, var seconds]) (whole, secondsPerCost) = (kept.Length > 1 ? kept : null, double.Parse(seconds, CultureInfo.InvariantCulture));
        else
        {
            var (start, parameters) = (starts[plan.Repeat], starts[plan.Repeat].Model.Layout.Length);
            secondsPerCost = await division.Measure(Measured(section, plan, start), cancellationToken).ConfigureAwait(false);
            var rows = run.Input.Described.ToDictionary(s => s.Id, s => (double)Math.Max(1, s.TrainingRows), StringComparer.Ordinal);
            var cohort = section.Cohort.Of(run.TrainingSites.Count);
            var cost = run.TrainingSites.Average(s => rows.GetValueOrDefault(s.Site, 1)) * cohort * Math.Max(1, section.LocalEpochs) * parameters;
            var workers = await division.Workers(cancellationToken).ConfigureAwait(false);
            // Each site's update comes back; what it remembers goes there and comes back; the model goes once to each group.
            var vectors = (cohort * (1 + (2 * FederatedTrial.Remembered(section)))) + (2.0 * Math.Max(1, workers.Count));
            whole = DivisionRule.NotWorth(secondsPerCost * cost, workers.Select(w => w.Slots).DefaultIfEmpty(1).Max(), 4 * vectors * parameters);
            run.Store.KeepValue(key, string.Create(CultureInfo.InvariantCulture, $"{whole ?? "+"} {secondsPerCost:R}"));
        }
        if (whole is null) run.Divided[section.Id] = secondsPerCost;
        return whole;
    }

    private TrialOrder Measured(FederationSection section, PlannedTrial plan, RepeatStart start)
    {
        // Measured with the first setting where there are several: they cost about the same.
        int? setting = section.Settings.Count > 0 ? 0 : null;
        return new TrialOrder
        {
            Id = plan.Model, Repeat = plan.Repeat, Models = [plan.Model], Cost = 0, Slots = 1, LayoutDigest = start.Model.Layout.Digest,
            Files = [new(TrialOrders.AgreedName(plan.Repeat), TrialOrders.AgreedPath(run, plan.Repeat))],
            Group = new SiteGroup
            {
                Federation = section.Id, Setting = setting, Tried = setting is not null, Round = 1,
                Sites = [.. run.TrainingSites.Take(DivisionRule.MeasuredSites).Select(s => new GroupedSite(s.Site, 0))],
            },
        };
    }
}
