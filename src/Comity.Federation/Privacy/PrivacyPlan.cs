using Comity.Declarations;
using Comity.Federation.Sites;
using Comity.Federation.Studies;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;
using Comity.Privacy.Mechanisms;

namespace Comity.Federation.Privacy;

/// <summary>The noise with which every site keeps the study's ε, worked out before anything is released.</summary>
/// <param name="Statistics">Noise multiplier of each step of the shared statistics; 0: there are none.</param>
/// <param name="Sites">What each site releases, by its id.</param>
/// <param name="Section">What was promised.</param>
internal sealed record PrivacyPlan(double Statistics, IReadOnlyDictionary<string, PrivacyPlan.OfSite> Sites, DifferentialPrivacySection Section)
{
    // Noise within a thousandth of the least that keeps the promise; it is never below it.
    private const double RelativeTolerance = 1e-3;

    /// <summary>What one site releases.</summary>
    /// <param name="Rows">Its training rows, the fewest of all repeats.</param>
    /// <param name="NoiseMultiplier">z of its training.</param>
    /// <param name="Releases">Everything over the whole study.</param>
    public sealed record OfSite(int Rows, double NoiseMultiplier, IReadOnlyList<LedgerItem> Releases);

    /// <summary>How counts behind metrics are noised; null: they are exact.</summary>
    public MetricsPlan? Metrics { get; init; }

    public static IPrivacyAccountant AccountantOf(DifferentialPrivacySection section) => section.Accountant == AccountantKind.Rdp || section.Noise == NoisePlace.Distributed
        ? new RdpAccountant(NeighbouringRelation.AddOrRemoveOne)
        : new PldAccountant(NeighbouringRelation.AddOrRemoveOne);

    /// <summary>Asks every site how much it trains on, and calibrates.</summary>
    /// <param name="study">The study.</param>
    /// <param name="statisticsSteps">Steps of the shared statistics.</param>
    /// <param name="sites">Sites whose noise is wanted: all of a run, or the one that this process is.</param>
    /// <param name="section">What was promised.</param>
    /// <param name="place">Where problems are said to be.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<PrivacyPlan> MakeAsync(
        StudySection study, IReadOnlyList<string> statisticsSteps, IReadOnlyList<ISiteWork> sites, DifferentialPrivacySection section, Place place, CancellationToken cancellationToken)
    {
        if (section.Unit == PrivacyUnit.Site) return SiteLevelPlan.Make(study, statisticsSteps, sites, section, place);
        var accountant = AccountantOf(section);
        var steps = (long)study.Repeats * statisticsSteps.Count;
        // All steps together are one Gaussian release, so their noise has a closed form.
        var statistics = steps == 0 ? 0 : AnalyticGaussian.NoiseMultiplier(section.Epsilon * section.StatisticsShare, section.Delta * section.StatisticsShare) * Math.Sqrt(steps);
        var shared = steps == 0 ? [] : new List<LedgerItem> { new(new GaussianEvent(statistics), steps) };
        var known = new Dictionary<string, double>(StringComparer.Ordinal);
        var planned = new Dictionary<string, OfSite>(StringComparer.Ordinal);
        var metrics = MetricsPlan.Of(study);
        var judged = metrics is null ? [] : new List<LedgerItem> { new(metrics.Event, metrics.Releases) };
        var training = study.TrainingSites.Select(s => s.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var site in sites)
        {
            if (!training.Contains(site.Site))
            {
                planned[site.Site] = new OfSite(0, 0, judged); // a site that does not train tells how models do at it, and no more
                continue;
            }
            var scales = await ScalesAsync(study, site, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<LedgerItem> Trained(double noise) => [.. scales.Select(s => new LedgerItem(new PoissonSampledEvent(s.Rate, new GaussianEvent(noise)), s.Steps))];
            PrivacyEvent Everything(double noise) => PrivacyEvent.All([.. shared.Concat(Trained(noise)).Select(i => i.Event.Times(i.Count))]);
            // Sites of the same size share the search, which takes a while.
            var alike = string.Join(';', scales.Select(s => FormattableString.Invariant($"{s.Rate:R}x{s.Steps}")));
            if (!known.TryGetValue(alike, out var noise))
                known[alike] = noise = scales.Count == 0 ? 0 : await Task.Run(() => Calibrate(accountant, Everything, section), cancellationToken).ConfigureAwait(false);
            planned[site.Site] = new OfSite(scales.Count == 0 ? 0 : scales.Min(s => s.Rows), noise, [.. shared, .. scales.Count == 0 ? [] : Trained(noise), .. judged]);
        }
        return new PrivacyPlan(statistics, planned, section) { Metrics = metrics };
    }

    private static double Calibrate(IPrivacyAccountant accountant, Func<double, PrivacyEvent> everything, DifferentialPrivacySection section)
    {
        var quick = NoiseCalibration.NoiseMultiplier(new RdpAccountant(NeighbouringRelation.AddOrRemoveOne), everything, section.Epsilon, section.Delta, RelativeTolerance);
        return accountant is RdpAccountant ? quick : NoiseCalibration.NoiseMultiplierBelow(accountant, everything, section.Epsilon, section.Delta, quick, RelativeTolerance);
    }

    private static async Task<List<(int Rows, double Rate, long Steps)>> ScalesAsync(StudySection study, ISiteWork site, CancellationToken cancellationToken)
    {
        var scales = new List<(int Rows, double Rate, long Steps)>();
        if (!study.Arms.Contains(Arm.Federated)) return scales;
        for (var repeat = 0; repeat < study.Repeats; repeat++)
        {
            foreach (var federation in study.AllFederations)
            {
                var overrides = federation.Training is null ? null : DeclaredJson.Write(federation.Training);
                var scale = await site.ScaleAsync(repeat, overrides, cancellationToken).ConfigureAwait(false);
                var inRound = (long)federation.LocalEpochs * PrivateGradientDescent.StepsOf(scale.Lot, scale.Rows);
                scales.Add((scale.Rows, PrivateGradientDescent.RateOf(scale.Lot, scale.Rows), federation.Rounds * inRound));
            }
        }
        return scales;
    }
}
