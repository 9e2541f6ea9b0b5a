using Comity.Declarations;
using Comity.Federation.Sites;
using Comity.Federation.Studies;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;

namespace Comity.Federation.Privacy;

/// <summary>The noise with which a study hides each of its sites, worked out before anything is released.</summary>
/// <remarks>
/// Every round is one Gaussian release of the sum of clipped updates, and every site is reckoned to take part in all of them: sampling of
/// the cohort is not Poisson's, so nothing is claimed for it. All rounds, federations and repeats together are one Gaussian in closed form. Shares of discrete
/// Gaussian noise have Rényi divergences no larger than the Gaussian's (Canonne et al. 2020; sums of shares: Kairouz et al. 2021), so there costs are
/// reckoned by Rényi divergences only.
/// </remarks>
internal static class SiteLevelPlan
{
    public static PrivacyPlan Make(StudySection study, IReadOnlyList<string> statisticsSteps, IReadOnlyList<ISiteWork> sites, DifferentialPrivacySection section, Place place)
    {
        if (statisticsSteps.Count > 0) throw new InvalidDeclarationException([Messages.Problem("site-privacy-statistics", place, string.Join(", ", statisticsSteps))]);
        long rounds = study.Arms.Contains(Arm.Federated) ? (long)study.Repeats * study.AllFederations.Sum(f => f.Rounds) : 0;
        var noise = rounds == 0 ? 0 : section.Noise == NoisePlace.Distributed
            ? NoiseCalibration.NoiseMultiplier(PrivacyPlan.AccountantOf(section), z => new GaussianEvent(z).Times(rounds), section.Epsilon, section.Delta, 1e-4)
            : AnalyticGaussian.NoiseMultiplier(section.Epsilon, section.Delta) * Math.Sqrt(rounds);
        IReadOnlyList<LedgerItem> releases = rounds == 0 ? [] : [new(new GaussianEvent(noise), rounds)];
        if (section.Adaptive is { } adaptive)
        {
            var cohort = study.AllFederations.Min(f => f.Cohort.Of(study.TrainingSites.Count));
            var count = adaptive.CountNoise ?? cohort / 20.0;
            if (noise >= 2 * count)
                throw new InvalidDeclarationException([Messages.Problem("adaptive-clip-infeasible", place, Math.Round(noise, 3), cohort, Math.Round(count, 3), Math.Ceiling(noise))]);
        }
        return new PrivacyPlan(0, sites.ToDictionary(s => s.Site, _ => new PrivacyPlan.OfSite(0, noise, releases), StringComparer.Ordinal), section);
    }

    /// <summary>z on the sum, where the count of updates below the clip is released beside it: z⁻² = z_Δ⁻² + (2σ_b)⁻² (Andrew et al. 2021, section 3.1; the count is centred, so a site moves it by ½).</summary>
    public static double OnSum(double noise, double countNoise) => 1 / Math.Sqrt((1 / (noise * noise)) - (1 / (4 * countNoise * countNoise)));
}
