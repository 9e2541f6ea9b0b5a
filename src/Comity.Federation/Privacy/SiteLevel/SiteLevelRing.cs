using Comity.Federation.Masking;
using Comity.SecureAggregation.FixedPoint;

namespace Comity.Federation.Privacy;

/// <summary>How clipped updates stand under masks, and a site's share of the noise on them: coordinator and sites work it out each for itself.</summary>
internal static class SiteLevelRing
{
    private const double TailsHeld = 12;

    /// <summary>σ_b of the count of updates below the clip; 0: nothing is counted.</summary>
    public static double CountNoise(DifferentialPrivacySection section, int cohort) => section.Adaptive is { } adaptive ? adaptive.CountNoise ?? cohort / 20.0 : 0;

    /// <summary>z on the sum of the updates.</summary>
    public static double OnSum(DifferentialPrivacySection section, double noise, int cohort) =>
        section.Adaptive is null ? noise : SiteLevelPlan.OnSum(noise, CountNoise(section, cohort));

    /// <summary>Ring and share; share null: the noise is the coordinator's to add. Null: the noise does not fit a ring.</summary>
    /// <param name="section">What was promised.</param>
    /// <param name="noise">z of a round.</param>
    /// <param name="clip">C of the round.</param>
    /// <param name="cohort">Sites asked.</param>
    /// <param name="quorum">Fewest that stay.</param>
    /// <param name="parameters">P.</param>
    public static (FixedPointEncoding Ring, NoiseShare? Share)? Of(DifferentialPrivacySection section, double noise, double clip, int cohort, int quorum, int parameters)
    {
        if (section.Noise != NoisePlace.Distributed) return (FixedPointEncoding.Finest(clip, 1, cohort), null);
        var (honest, onSum) = (quorum - section.Colluding, OnSum(section, noise, cohort));
        foreach (var fine in new[] { 14, 18 })
        {
            // Rounding to whole steps lengthens an update by at most half a step a coordinate; the steps are a fraction of the noise.
            var lengthened = 1 - (onSum * Math.Sqrt(parameters) / (Math.ScaleB(2, fine) * Math.Sqrt(honest)));
            if (honest < 1 || lengthened < (fine == 14 ? 0.95 : 0.5)) continue;
            var deviation = onSum * clip / lengthened / Math.Sqrt(honest);
            var ring = FixedPointEncoding.Choose(clip + (TailsHeld * deviation), 1, cohort, deviation / Math.ScaleB(1, fine));
            return (ring, new NoiseShare(deviation / ring.Step, section.Adaptive is null ? 0 : CountNoise(section, cohort) * MaskedEncoding.CountUnits / Math.Sqrt(honest)));
        }
        return null;
    }
}
