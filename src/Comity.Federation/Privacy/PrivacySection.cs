using Comity.Declarations;
using Comity.Federation.Masking;

namespace Comity.Federation.Privacy;

/// <summary>What the study promises the people in the records, enforced by each site's gate.</summary>
[Doc("What is promised to the people in the records. Enforced at each site's gate; what can't be enforced makes the study refuse to run.")]
public sealed record PrivacySection
{
    /// <summary>Noise that hides single units; null: none.</summary>
    [Doc("Noise that hides whether any one record took part.")]
    public DifferentialPrivacySection? DifferentialPrivacy { get; init; }

    /// <summary>Masks under which updates leave; null: they leave in the clear.</summary>
    [Doc("Masks under which updates leave, so that the coordinator learns their sum only.")]
    public SecureAggregationSection? SecureAggregation { get; init; }

    /// <summary>Noise on held-out metrics; null: they are exact, and recorded as not covered.</summary>
    [Doc("Noise on the counts behind held-out metrics; left out, metrics are exact numbers, and recorded as not covered by any ε.")]
    public MetricsPrivacySection? Metrics { get; init; }
}

/// <summary>Differential privacy (Dwork et al. 2006): what is released hardly depends on any one unit.</summary>
[Doc("Differential privacy: what leaves a site hardly depends on any one record.")]
public sealed record DifferentialPrivacySection
{
    /// <summary>What is protected.</summary>
    [Doc("What is protected: record (one training record, added or removed) or site (all that one site contributes, present or replaced by nothing).")]
    public PrivacyUnit Unit { get; init; }

    /// <summary>ε that the whole study may cost each record: all rounds, federations, repeats and statistics together.</summary>
    [Doc("ε that the whole study may cost each record: statistics, all rounds of all federations, and all repeats together."), Within(0, 1000, AboveLow = true)]
    public required double Epsilon { get; init; }

    /// <summary>δ.</summary>
    [Doc("δ, the chance that the promise of ε does not hold; choose it below 1 / rows."), Within(0, 1, AboveLow = true, BelowHigh = true)]
    public required double Delta { get; init; }

    /// <summary>C: the longest gradient of one record, or the longest update of one site.</summary>
    [Doc("Longest gradient (L2 norm) of one record, or longest update of one site; longer ones are scaled down to it."), Within(0, 1e9, AboveLow = true)]
    public required double Clip { get; init; }

    /// <summary>How costs are reckoned.</summary>
    [Doc("How costs are reckoned: pld (tight, default) or rdp.")]
    public AccountantKind Accountant { get; init; }

    /// <summary>Share of ε and δ spent on the statistics behind preprocessing.</summary>
    [Doc("Share of ε and δ that the statistics behind preprocessing may cost; what they don't need goes to training."), Within(0, 0.9, AboveLow = true)]
    public double StatisticsShare { get; init; } = 0.1;

    /// <summary>Who adds the noise that hides a site.</summary>
    [Doc("Who adds the noise that hides a site: the coordinator, which then sees sums without noise; or distributed, each site its share below the mask of secureAggregation, so that nobody does. unit: site only.")]
    public NoisePlace Noise { get; init; }

    /// <summary>Clip that follows the updates' norms; null: it stays.</summary>
    [Doc("Lets the clip follow the norms of the sites' updates (Andrew et al. 2021), from clip on. true for the paper's defaults; unit: site only.")]
    public AdaptiveClipSection? Adaptive { get; init; }

    /// <summary>Sites that may work together against the others and take their own share of the noise off again.</summary>
    [Doc("Sites that may take their own shares of distributed noise off again; the others' shares are calibrated to hide a site without them."), Within(0, 100_000)]
    public int Colluding { get; init; }
}

/// <summary>Adaptive clipping (Andrew et al. 2021, arXiv:1905.03871): C ← C·exp(−η_C·(b − γ)), with b the noised share of updates that were not longer than C.</summary>
[Switch]
[Doc("The clip follows a quantile of the norms of the sites' updates (Andrew et al. 2021); what it costs is inside the study's epsilon.")]
public sealed record AdaptiveClipSection
{
    /// <summary>γ.</summary>
    [Doc("Share of the updates that should not be longer than the clip."), Within(0, 1)]
    public double Quantile { get; init; } = 0.5;

    /// <summary>η_C.</summary>
    [Doc("How fast the clip follows."), Within(0, 10, AboveLow = true)]
    public double LearningRate { get; init; } = 0.2;

    /// <summary>σ_b; null: a twentieth of the sites asked.</summary>
    [Doc("Deviation of the noise on the number of updates below the clip; a twentieth of the sites asked by default."), Within(0, 1e9, AboveLow = true)]
    public double? CountNoise { get; init; }
}

/// <summary>Who adds noise that hides a site.</summary>
public enum NoisePlace
{
    /// <summary>The coordinator, to the sum.</summary>
    Coordinator,

    /// <summary>Each site its share, below its mask.</summary>
    Distributed,
}

/// <summary>What differential privacy protects.</summary>
public enum PrivacyUnit
{
    /// <summary>One training record, added or removed.</summary>
    Record,

    /// <summary>All that one site contributes, present or replaced by nothing.</summary>
    Site,
}

/// <summary>How costs are reckoned.</summary>
public enum AccountantKind
{
    /// <summary>Privacy loss distributions.</summary>
    Pld,

    /// <summary>Rényi divergences.</summary>
    Rdp,
}
