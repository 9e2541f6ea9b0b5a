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
}

/// <summary>Differential privacy (Dwork et al. 2006): what is released hardly depends on any one unit.</summary>
[Doc("Differential privacy: what leaves a site hardly depends on any one record.")]
public sealed record DifferentialPrivacySection
{
    /// <summary>What is protected.</summary>
    [Doc("What is protected: record (one training record, added or removed).")]
    public PrivacyUnit Unit { get; init; }

    /// <summary>ε that the whole study may cost each record: all rounds, federations, repeats and statistics together.</summary>
    [Doc("ε that the whole study may cost each record: statistics, all rounds of all federations, and all repeats together."), Within(0, 1000, AboveLow = true)]
    public required double Epsilon { get; init; }

    /// <summary>δ.</summary>
    [Doc("δ, the chance that the promise of ε does not hold; choose it below 1 / rows."), Within(0, 1, AboveLow = true, BelowHigh = true)]
    public required double Delta { get; init; }

    /// <summary>C: the longest gradient of one record.</summary>
    [Doc("Longest gradient (L2 norm) of one record; longer ones are scaled down to it."), Within(0, 1e9, AboveLow = true)]
    public required double Clip { get; init; }

    /// <summary>How costs are reckoned.</summary>
    [Doc("How costs are reckoned: pld (tight, default) or rdp.")]
    public AccountantKind Accountant { get; init; }

    /// <summary>Share of ε and δ spent on the statistics behind preprocessing.</summary>
    [Doc("Share of ε and δ that the statistics behind preprocessing may cost; what they don't need goes to training."), Within(0, 0.9, AboveLow = true)]
    public double StatisticsShare { get; init; } = 0.1;
}

/// <summary>What differential privacy protects.</summary>
public enum PrivacyUnit
{
    /// <summary>One training record, added or removed.</summary>
    Record,
}

/// <summary>How costs are reckoned.</summary>
public enum AccountantKind
{
    /// <summary>Privacy loss distributions.</summary>
    Pld,

    /// <summary>Rényi divergences.</summary>
    Rdp,
}
