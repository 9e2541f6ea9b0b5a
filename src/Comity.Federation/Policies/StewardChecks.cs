using System.Globalization;
using Comity.Declarations;
using Comity.Federation.Studies;

namespace Comity.Federation.Policies;

/// <summary>What a study asks of a site, as far as a policy looks at it.</summary>
/// <param name="Site">The site.</param>
/// <param name="Section">The study.</param>
/// <param name="Sha256">SHA-256 (hex) of its file: an approval is for these bytes.</param>
/// <param name="ModelKind">Kind of its model.</param>
/// <param name="Columns">Every column that it reads: features, the label, groups, and what rows are ordered or parted by.</param>
public sealed record AskedStudy(string Site, StudySection Section, string Sha256, string ModelKind, IReadOnlyList<string> Columns);

/// <summary>Holds a study against a steward's policy and says everything that it does not allow.</summary>
public static class StewardChecks
{
    /// <summary>Checks all but rows, hours and approval, which the site's work knows.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="asked">The study.</param>
    /// <param name="packs">Packs, which know that Hungary lies in the EU.</param>
    /// <param name="problems">Takes every refusal.</param>
    public static void Check(DeclaredPolicy policy, AskedStudy asked, PolicyPacks packs, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(asked);
        ArgumentNullException.ThrowIfNull(packs);
        ArgumentNullException.ThrowIfNull(problems);
        var (rules, study, place) = (policy.Section, asked.Section, Place.InFile(policy.File));
        void Refuse(string code, params object?[] more) => problems.Add(Messages.Problem(code, place, [asked.Site, study.Study, .. more]));
        void Among(string code, IReadOnlyList<string> allowed, string? found)
        {
            if (allowed.Count > 0 && (found is null || !allowed.Contains(found, StringComparer.Ordinal))) Refuse(code, found ?? "-", string.Join(", ", allowed));
        }
        Among("steward-study", rules.Studies, study.Study);
        Among("steward-author", rules.Authors, study.Author);
        Among("steward-purpose", rules.Purposes, study.Purpose);
        Among("steward-model", rules.Models, asked.ModelKind);
        foreach (var column in asked.Columns.Where(c => rules.BarredColumns.Contains(c, StringComparer.Ordinal) || (rules.Columns.Count > 0 && !rules.Columns.Contains(c, StringComparer.Ordinal))).Distinct(StringComparer.Ordinal))
            Refuse("steward-column", column);
        if (rules.MinimumCohort is { } least)
        {
            foreach (var federation in study.AllFederations)
            {
                var answers = federation.Quorum.Of(federation.Cohort.Of(study.Sites.Count));
                if (answers < least) Refuse("steward-cohort", federation.Id, answers, least);
            }
        }
        if (rules.Requires.SecureAggregation && study.Arms.Contains(Arm.Federated) && study.Privacy?.SecureAggregation is null) Refuse("steward-masks");
        if (rules.Requires.Epsilon is { } epsilon)
        {
            var promised = study.Privacy?.DifferentialPrivacy;
            if (promised is null) Refuse("steward-no-noise", Text(epsilon));
            else
            {
                if (promised.Epsilon > epsilon) Refuse("steward-epsilon", Text(promised.Epsilon), Text(epsilon));
                if (promised.Delta > rules.Requires.Delta) Refuse("steward-delta", Text(promised.Delta), Text(rules.Requires.Delta.Value));
            }
        }
        if (rules.Destinations.Count > 0)
        {
            var own = study.Markets.FirstOrDefault(m => m.Id == study.Sites.FirstOrDefault(s => s.Id == asked.Site)?.Market)?.Jurisdiction;
            foreach (var market in study.Markets.Where(m => m.Jurisdiction != own && !Allows(rules.Destinations, m.Jurisdiction, packs)))
                Refuse("steward-destination", market.Jurisdiction, string.Join(", ", rules.Destinations));
        }
    }

    private static bool Allows(IReadOnlyList<string> destinations, string jurisdiction, PolicyPacks packs) =>
        destinations.Contains(jurisdiction, StringComparer.OrdinalIgnoreCase) || (packs.Of(jurisdiction) is { } pack && destinations.Contains(pack.Jurisdiction, StringComparer.OrdinalIgnoreCase));

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
