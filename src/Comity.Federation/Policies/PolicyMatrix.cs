using Comity.Declarations;
using Comity.Federation.Studies;

namespace Comity.Federation.Policies;

/// <summary>Every flow of a study between markets, and what the laws in force say of it.</summary>
/// <param name="Flows">One for each kind and ordered pair of markets.</param>
public sealed record PolicyMatrix(IReadOnlyList<JudgedFlow> Flows)
{
    private static readonly FlowKind[] Kinds = [FlowKind.Records, FlowKind.Statistics, FlowKind.Updates, FlowKind.Model, FlowKind.Metrics];

    /// <summary>Whether records may be put together: each flow of them is free or declared covered.</summary>
    public bool RecordsMayFlow => Flows.Where(f => f.Kind == FlowKind.Records).All(f => f.Verdict <= PolicyVerdict.Covered);

    /// <summary>Judges a study.</summary>
    /// <param name="study">The study; what it does not say under <c>policy</c> is assumed to be the worst.</param>
    /// <param name="packs">The packs in force.</param>
    public static PolicyMatrix Of(StudySection study, PolicyPacks packs)
    {
        ArgumentNullException.ThrowIfNull(study);
        ArgumentNullException.ThrowIfNull(packs);
        var section = study.Policy ?? new PolicySection();
        var markets = study.Markets.Where(m => study.Sites.Any(s => s.Market == m.Id)).ToList();
        var protections = ProtectionsOf(study);
        var flows = new List<JudgedFlow>();
        foreach (var from in markets)
        {
            foreach (var to in markets.Where(m => m.Id != from.Id))
            {
                foreach (var kind in Kinds)
                {
                    var judged = Judge(packs, section, from, to, kind, protections);
                    flows.Add(judged with { Planned = IsPlanned(study, kind), Remedies = Remedies(packs, section, from, to, judged, protections) });
                }
            }
        }
        return new(flows);
    }

    /// <summary>What a study does to what flows.</summary>
    public static IReadOnlyCollection<FlowProtection> ProtectionsOf(StudySection study)
    {
        ArgumentNullException.ThrowIfNull(study);
        var protections = new List<FlowProtection>();
        if (study.Privacy?.DifferentialPrivacy is not null) protections.Add(FlowProtection.Noised);
        if (study.Privacy?.SecureAggregation is not null) protections.Add(FlowProtection.Masked);
        return protections;
    }

    private static bool IsPlanned(StudySection study, FlowKind kind) => kind switch
    {
        FlowKind.Records => study.Arms.Contains(Arm.Pooled),
        FlowKind.Updates => study.Arms.Contains(Arm.Federated),
        FlowKind.Statistics => study.Arms.Contains(Arm.Federated) || study.Preprocess is not null,
        FlowKind.Model => study.Arms.Any(a => a is not Arm.Local),
        _ => true,
    };

    /// <summary>Judges one flow.</summary>
    /// <param name="packs">The packs in force.</param>
    /// <param name="section">What is declared; what is not is assumed to be the worst.</param>
    /// <param name="from">Market that it leaves.</param>
    /// <param name="to">Market that it reaches.</param>
    /// <param name="kind">What flows.</param>
    /// <param name="protections">What was done to it.</param>
    public static JudgedFlow Judge(PolicyPacks packs, PolicySection section, MarketSection from, MarketSection to, FlowKind kind, IReadOnlyCollection<FlowProtection> protections)
    {
        ArgumentNullException.ThrowIfNull(packs);
        ArgumentNullException.ThrowIfNull(section);
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        ArgumentNullException.ThrowIfNull(protections);
        var flow = new JudgedFlow(kind, from.Id, to.Id, PolicyVerdict.Free, []);
        if (packs.Of(from.Jurisdiction) is not { } pack) return string.Equals(from.Jurisdiction, to.Jurisdiction, StringComparison.OrdinalIgnoreCase) ? flow : flow with { Verdict = PolicyVerdict.Unknown };
        // Within one law nothing is exported.
        if (pack.Members.Contains(to.Jurisdiction, StringComparer.OrdinalIgnoreCase)) return flow;
        var reasons = new List<FlowReason>();
        foreach (var regime in pack.Regimes)
        {
            var assumed = false;
            var fits = regime.Cases.FirstOrDefault(c =>
            {
                if (!Fits(c, packs, section, to, kind, protections)) return false;
                if (c.IndividualsFrom is not { } least) return true;
                var declared = section.Individuals.TryGetValue(from.Id, out var individuals);
                if (declared && individuals < least) return false;
                assumed = !declared;
                return true;
            });
            if (fits is null) continue;
            var cover = section.Covered.FirstOrDefault(c => c.Fits(kind, from.Id, to.Id) && c.Conditions.Any(id => fits.Needs.Contains(id, StringComparer.Ordinal)));
            var verdict = fits.Verdict == PolicyVerdict.Conditional && cover is not null ? PolicyVerdict.Covered : fits.Verdict;
            reasons.Add(new(pack, regime, fits, verdict, cover?.By, assumed));
        }
        return flow with { Verdict = reasons.Count == 0 ? PolicyVerdict.Free : reasons.Max(r => r.Verdict), Reasons = reasons };
    }

    private static bool Fits(PolicyCase one, PolicyPacks packs, PolicySection section, MarketSection to, FlowKind kind, IReadOnlyCollection<FlowProtection> protections) =>
        (one.Flows.Count == 0 || one.Flows.Contains(kind))
        && (one.To.Count == 0 || one.To.Any(t => string.Equals(t, to.Jurisdiction, StringComparison.OrdinalIgnoreCase) || string.Equals(t, packs.Of(to.Jurisdiction)?.Jurisdiction, StringComparison.OrdinalIgnoreCase)))
        && (!one.Anonymous || section.Anonymous)
        && (one.Sensitive.Count == 0 || (one.Sensitive.Contains(SensitiveData.Any) ? section.Sensitive.Count > 0 : one.Sensitive.Any(section.Sensitive.Contains)))
        && one.Protection.All(protections.Contains);

    // What would make it lawful: another arm for records, more protection for what is learnt from them.
    private static List<FlowRemedy> Remedies(PolicyPacks packs, PolicySection section, MarketSection from, MarketSection to, JudgedFlow judged, IReadOnlyCollection<FlowProtection> protections)
    {
        if (judged.Verdict <= PolicyVerdict.Covered || judged.Verdict == PolicyVerdict.Unknown) return [];
        FlowProtection[][] more = [[], [FlowProtection.Masked], [FlowProtection.Noised], [FlowProtection.Masked, FlowProtection.Noised]];
        var kind = judged.Kind == FlowKind.Records ? FlowKind.Updates : judged.Kind;
        foreach (var extra in more.Where(m => judged.Kind == FlowKind.Records || m.Length > 0))
        {
            var with = Judge(packs, section, from, to, kind, [.. protections.Union(extra)]);
            var easier = with.Verdict < judged.Verdict || with.Needs.Except(judged.Needs, StringComparer.Ordinal).Any();
            if (easier) return [new(judged.Kind == FlowKind.Records ? Arm.Federated : null, [.. protections.Union(extra)], with.Verdict, with.Needs)];
        }
        return [];
    }
}

/// <summary>One flow, judged.</summary>
/// <param name="Kind">What flows.</param>
/// <param name="From">Market that it leaves.</param>
/// <param name="To">Market that it reaches.</param>
/// <param name="Verdict">The strictest word of all regimes.</param>
/// <param name="Reasons">What each regime says.</param>
public sealed record JudgedFlow(FlowKind Kind, string From, string To, PolicyVerdict Verdict, IReadOnlyList<FlowReason> Reasons)
{
    /// <summary>Whether an arm of the study needs it.</summary>
    public bool Planned { get; init; }

    /// <summary>What would make it lawful, or easier.</summary>
    public IReadOnlyList<FlowRemedy> Remedies { get; init; } = [];

    /// <summary>Conditions of which one is enough in each regime that is not covered.</summary>
    public IReadOnlyList<string> Needs => [.. Reasons.Where(r => r.Verdict == PolicyVerdict.Conditional).SelectMany(r => r.Case.Needs).Distinct(StringComparer.Ordinal)];
}

/// <summary>What one regime says of a flow.</summary>
/// <param name="Pack">The pack.</param>
/// <param name="Regime">The body of law.</param>
/// <param name="Case">The case that fits.</param>
/// <param name="Verdict">What follows.</param>
/// <param name="CoveredBy">The document that covers it; null: none was declared.</param>
/// <param name="CountAssumed">Whether the number of individuals was not declared and the highest band assumed.</param>
public sealed record FlowReason(PolicyPack Pack, PolicyRegime Regime, PolicyCase Case, PolicyVerdict Verdict, string? CoveredBy, bool CountAssumed);

/// <summary>What would make a flow lawful, or easier.</summary>
/// <param name="Arm">The arm that takes its place; null: the same flow, protected.</param>
/// <param name="Protections">Protections of the study then.</param>
/// <param name="Verdict">What the laws say then.</param>
/// <param name="Needs">Conditions then, of which one is enough in each regime.</param>
public sealed record FlowRemedy(Arm? Arm, IReadOnlyCollection<FlowProtection> Protections, PolicyVerdict Verdict, IReadOnlyList<string> Needs);
