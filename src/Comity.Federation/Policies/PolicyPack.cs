using System.Globalization;
using Comity.Declarations;

namespace Comity.Federation.Policies;

/// <summary>What one jurisdiction's law says of data that leaves it: rules with their sources, and cases that apply them. A data file, so that counsel can replace it.</summary>
/// <remarks>A reading of the law for engineers, not legal advice.</remarks>
[Doc("What one jurisdiction's law says of data that leaves it. Not legal advice.")]
public sealed record PolicyPack : ICheckedDeclaration
{
    /// <summary>Short name of the pack.</summary>
    public required string Pack { get; init; }

    /// <summary>Version, such as <c>2026.11.21</c>.</summary>
    public required string Version { get; init; }

    /// <summary>The jurisdiction as cases name it, such as <c>EU</c>.</summary>
    public required string Jurisdiction { get; init; }

    /// <summary>Name for people.</summary>
    public required BilingualText Name { get; init; }

    /// <summary>Codes under which markets may lie in it, such as <c>HU</c>.</summary>
    [AtLeast(1)]
    public required IReadOnlyList<string> Members { get; init; }

    /// <summary>Up to when sources were looked at.</summary>
    public string SourcesUpTo { get; init; } = "";

    /// <summary>The rules.</summary>
    [AtLeast(1)]
    public required IReadOnlyList<PolicyRule> Rules { get; init; }

    /// <summary>Conditions that cases name.</summary>
    public IReadOnlyList<PolicyCondition> Conditions { get; init; } = [];

    /// <summary>Bodies of law that apply side by side: the strictest word counts.</summary>
    [AtLeast(1)]
    public required IReadOnlyList<PolicyRegime> Regimes { get; init; }

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        if ((object?)Rules is null || (object?)Regimes is null) return;
        var (rules, conditions) = (Rules.Select(r => r.Id).ToHashSet(StringComparer.Ordinal), Conditions.Select(c => c.Id).ToHashSet(StringComparer.Ordinal));
        foreach (var twice in Rules.GroupBy(r => r.Id, StringComparer.Ordinal).Where(g => g.Count() > 1)) problems.Add(Messages.Problem("pack-twice", at["rules"]!.Place, twice.Key));
        foreach (var regime in Regimes.Where(r => (object?)r.Cases is not null))
        {
            foreach (var one in regime.Cases)
            {
                foreach (var rule in one.Rules.Where(r => !rules.Contains(r))) problems.Add(Messages.Problem("pack-unknown-rule", at["regimes"]!.Place, regime.Id, rule));
                foreach (var need in one.Needs.Where(n => !conditions.Contains(n))) problems.Add(Messages.Problem("pack-unknown-condition", at["regimes"]!.Place, regime.Id, need));
                if (one.Verdict == PolicyVerdict.Conditional != one.Needs.Count > 0) problems.Add(Messages.Problem("pack-needs", at["regimes"]!.Place, regime.Id));
            }
        }
    }
}

/// <summary>A text in the languages of the tool.</summary>
public sealed record BilingualText
{
    /// <summary>English.</summary>
    public required string En { get; init; }

    /// <summary>Simplified Chinese.</summary>
    public required string ZhHans { get; init; }

    /// <summary>The text for a reader.</summary>
    public string In(CultureInfo culture)
    {
        ArgumentNullException.ThrowIfNull(culture);
        return culture.Name.StartsWith("zh", StringComparison.Ordinal) ? ZhHans : En;
    }
}

/// <summary>One rule of law, as it was found.</summary>
public sealed record PolicyRule
{
    /// <summary>Stable id, such as <c>eu-gdpr-46</c>.</summary>
    public required string Id { get; init; }

    /// <summary>When it applies.</summary>
    public required BilingualText Trigger { get; init; }

    /// <summary>What it asks for.</summary>
    public required BilingualText Requirement { get; init; }

    /// <summary>Where it stands.</summary>
    public required string Article { get; init; }

    /// <summary>What was read.</summary>
    public required string Source { get; init; }

    /// <summary>Since when, or from when.</summary>
    public required string Date { get; init; }

    /// <summary>How sure this reading is.</summary>
    public required RuleConfidence Confidence { get; init; }

    /// <summary>Whether the source was read or is recollected.</summary>
    public string Provenance { get; init; } = "";

    /// <summary>What else is worth knowing.</summary>
    public string Note { get; init; } = "";
}

/// <summary>How sure a reading is.</summary>
public enum RuleConfidence
{
    /// <summary>Read in the source.</summary>
    High,

    /// <summary>Read in a report of it, or from memory.</summary>
    Medium,

    /// <summary>Not confirmed.</summary>
    Low,

    /// <summary>A later rule seems to have replaced it.</summary>
    Superseded,
}

/// <summary>What makes a flow lawful, as a party can declare that it has it.</summary>
public sealed record PolicyCondition
{
    /// <summary>Id, as studies name it.</summary>
    public required string Id { get; init; }

    /// <summary>What it is.</summary>
    public required BilingualText Text { get; init; }
}

/// <summary>One body of law.</summary>
public sealed record PolicyRegime
{
    /// <summary>Id within the pack.</summary>
    public required string Id { get; init; }

    /// <summary>Name for people.</summary>
    public required BilingualText Name { get; init; }

    /// <summary>Cases in order; the first that fits decides. None: the regime has nothing to say.</summary>
    public required IReadOnlyList<PolicyCase> Cases { get; init; }
}

/// <summary>A case: what must hold for it, and what follows.</summary>
public sealed record PolicyCase
{
    /// <summary>What follows.</summary>
    public required PolicyVerdict Verdict { get; init; }

    /// <summary>Destinations, as jurisdictions of packs or market codes; empty: all.</summary>
    public IReadOnlyList<string> To { get; init; } = [];

    /// <summary>What flows; empty: anything.</summary>
    public IReadOnlyList<FlowKind> Flows { get; init; } = [];

    /// <summary>Fits if any of these is declared; empty: whatever is declared.</summary>
    public IReadOnlyList<SensitiveData> Sensitive { get; init; } = [];

    /// <summary>Fits records that are declared anonymous only.</summary>
    public bool Anonymous { get; init; }

    /// <summary>Fewest individuals; not declared counts as that many.</summary>
    [Within(1, 1e15)]
    public long? IndividualsFrom { get; init; }

    /// <summary>Protections that the study must have, all of them.</summary>
    public IReadOnlyList<FlowProtection> Protection { get; init; } = [];

    /// <summary>Conditions of which one is enough; only with <see cref="PolicyVerdict.Conditional"/>.</summary>
    public IReadOnlyList<string> Needs { get; init; } = [];

    /// <summary>Rules that it applies.</summary>
    [AtLeast(1)]
    public required IReadOnlyList<string> Rules { get; init; }

    /// <summary>Why, in a sentence.</summary>
    public required BilingualText Because { get; init; }
}

/// <summary>What follows for a flow, from the mildest to the strictest.</summary>
public enum PolicyVerdict
{
    /// <summary>Nothing stands in its way.</summary>
    Free,

    /// <summary>Conditional, and the study declares the condition.</summary>
    Covered,

    /// <summary>Lawful under a condition that nobody declared.</summary>
    Conditional,

    /// <summary>No pack knows the place that it leaves.</summary>
    Unknown,

    /// <summary>No condition makes it lawful.</summary>
    Barred,
}

/// <summary>What flows between markets.</summary>
public enum FlowKind
{
    /// <summary>Records themselves: the pooled arm.</summary>
    Records,

    /// <summary>Shared statistics behind preprocessing.</summary>
    Statistics,

    /// <summary>Updates of models.</summary>
    Updates,

    /// <summary>Trained models.</summary>
    Model,

    /// <summary>Measures of quality.</summary>
    Metrics,
}

/// <summary>Kinds of records that laws treat apart.</summary>
public enum SensitiveData
{
    /// <summary>Any of the others; in packs only.</summary>
    Any,

    /// <summary>Health.</summary>
    Health,

    /// <summary>Genetic and other omic data.</summary>
    Genetic,

    /// <summary>Biometric.</summary>
    Biometric,

    /// <summary>Precise location.</summary>
    Location,

    /// <summary>Finance.</summary>
    Finance,

    /// <summary>Other kinds that a law calls sensitive: belief, origin, minors…</summary>
    Other,
}

/// <summary>What a study does to what flows.</summary>
public enum FlowProtection
{
    /// <summary>Secure aggregation: a sum is learnt, no party's part.</summary>
    Masked,

    /// <summary>Differential privacy.</summary>
    Noised,
}
