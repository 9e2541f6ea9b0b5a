using System.Globalization;
using Comity.Federation.Policies;
using Comity.Federation.Studies;
using Comity.Serving.Deployments;
using Comity.Serving.Releases;

namespace Comity.Cli.Releases;

/// <summary>What the laws of the markets whose records trained a release say of the model leaving for another market.</summary>
/// <remarks>
/// What the study declared of its records goes with the release; where it declared nothing the worst is assumed, as the packs do for what is not said. A condition that a person has met is told
/// with their approval. What is barred there stays out; what is free or conditional is shown, and decided by a person.
/// </remarks>
internal static class EntryPolicy
{
    /// <summary>Findings for a market, one for each place of training under another law.</summary>
    public static IReadOnlyList<PolicyFinding> Judge(ReleaseManifest manifest, string market, PolicyPacks packs, CultureInfo language)
    {
        if (Section(manifest, market) is not { } to) return [];
        FlowProtection[] protections = manifest.Privacy.Count > 0 ? [FlowProtection.Noised] : [];
        return [.. manifest.Origin.Contributors.Select(c => c.Market).Distinct(StringComparer.Ordinal).Where(m => m != market)
            .Select(m => Section(manifest, m)).OfType<MarketSection>()
            .Select(from => Finding(PolicyMatrix.Judge(packs, DeclaredPolicy.Section(manifest.Policy), from, to, FlowKind.Model, protections), from, to, language))];
    }

    private static PolicyFinding Finding(JudgedFlow flow, MarketSection from, MarketSection to, CultureInfo language)
    {
        var reason = flow.Reasons.MaxBy(r => r.Verdict);
        string[] places = [from.Jurisdiction, to.Jurisdiction];
        if (reason is null) return new PolicyFinding(flow.Verdict == PolicyVerdict.Unknown ? "law-unknown" : "law-free", false, places);
        string[] told = [.. places, reason.Regime.Name.In(language), string.Join(", ", reason.Case.Rules), reason.Case.Because.In(language)];
        return flow.Verdict switch
        {
            PolicyVerdict.Barred => new PolicyFinding("law-barred", true, told),
            PolicyVerdict.Conditional => new PolicyFinding("law-conditional", false, [.. told, string.Join(", ", flow.Needs)]),
            _ => new PolicyFinding("law-free", false, places),
        };
    }

    private static MarketSection? Section(ReleaseManifest manifest, string market) =>
        manifest.Markets.FirstOrDefault(m => m.Id == market)?.Jurisdiction is { } jurisdiction ? new MarketSection { Id = market, Jurisdiction = jurisdiction } : null;
}
