using System.Text.RegularExpressions;
using Comity.Declarations;
using Comity.Federation.Encodings;
using Comity.Federation.Masking;
using Comity.Federation.Policies;
using Comity.Federation.Privacy;
using Comity.Federation.Searches;
using Comity.Federation.Strategies;

namespace Comity.Federation.Studies;

/// <summary>What must hold across the keys of a study.</summary>
internal static partial class StudyChecks
{
    public static void Check(StudySection study, DeclaredNode.Map at, ProblemList problems)
    {
        Arms(study, at, problems);
        Partners(study, at, problems);
        PrivacyChecks.Check(study, at, problems);
        SiteLevelChecks.Check(study, at, problems);
        MaskingChecks.Check(study, at, problems);
        if (study.PooledAt is { } pooledAt) KnownSite(study, pooledAt, at["pooledAt"]!.Place, problems);
        if (study.Federation is not null && study.Federations.Count > 0)
            problems.Add(Messages.Problem("federation-twice", at["federations"]!.Place));
        UniqueNames(study.AllFederations.Select(f => f.Id), i => FederationPlace(study, at, i, null), problems);
        UniqueNames(study.Combined.Select(c => c.Id), i => At(at, "combined", i, null), problems);
        SearchChecks.Check(study, at, (i, key) => FederationPlace(study, at, i, key), problems);
        for (var i = 0; i < study.AllFederations.Count; i++) Federation(study, study.AllFederations[i], key => FederationPlace(study, at, i, key), problems);
    }

    /// <summary>What can be said of ids, markets and privacy whatever else is wrong with the study.</summary>
    /// <param name="study">The study, possibly with required keys left at null.</param>
    /// <param name="at">The file's root.</param>
    /// <param name="problems">Takes what is wrong.</param>
    public static void CheckIds(StudySection study, DeclaredNode.Map at, ProblemList problems)
    {
        if (at["privacy"] is DeclaredNode.Map { Entries.Count: 0 } nothing) problems.Add(Messages.Problem("privacy-empty", nothing.Place));
        if (!StudyReader.PartiesAreNamed(study)) return;
        PolicyChecks.Check(study, at, problems);
        Ids(study.Markets.Select(m => m.Id), "markets", at, problems);
        Ids(study.Sites.Select(s => s.Id), "sites", at, problems);
        var markets = study.Markets.Select(m => m.Id).ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < study.Sites.Count; i++)
        {
            var market = study.Sites[i].Market;
            if (!markets.Contains(market))
                problems.Add(Messages.Problem("unknown-market", At(at, "sites", i, "market"), market, string.Join(", ", markets), Spelling.Nearest(market, markets) ?? study.Markets.FirstOrDefault()?.Id));
        }
    }

    private static void Ids(IEnumerable<string> ids, string list, DeclaredNode.Map at, ProblemList problems)
    {
        // Ids name folders, and some file systems don't tell upper from lower case.
        var seen = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var index = 0;
        foreach (var id in ids)
        {
            var place = At(at, list, index++, "id");
            if (!IdPattern().IsMatch(id)) problems.Add(Messages.Problem("bad-id", place, id));
            if (!seen.TryAdd(id, id)) problems.Add(Messages.Problem("duplicate-id", place, id, seen[id]));
        }
    }

    private static void UniqueNames(IEnumerable<string> names, Func<int, Place> place, ProblemList problems)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var index = 0;
        foreach (var name in names)
        {
            if (!IdPattern().IsMatch(name)) problems.Add(Messages.Problem("bad-id", place(index), name));
            if (!seen.Add(name)) problems.Add(Messages.Problem("duplicate-name", place(index), name));
            index++;
        }
    }

    private static void Arms(StudySection study, DeclaredNode.Map at, ProblemList problems)
    {
        var place = at["arms"]?.Place ?? at.Place;
        if (study.Arms.Contains(Arm.Federated) && study.AllFederations.Count == 0) problems.Add(Messages.Problem("arm-without-section", place, "federated", "federation"));
        if (study.Arms.Contains(Arm.Combined) && study.Combined.Count == 0) problems.Add(Messages.Problem("arm-without-section", place, "combined", "combined"));
        var together = study.Arms.Where(a => a is Arm.Federated or Arm.Combined or Arm.Partner).ToList();
        if (study.TrainingSites.Count == 0 && study.Sites.Count > 0) problems.Add(Messages.Problem("no-site-trains", at["sites"]!.Place));
        else if (together.Count > 0 && study.TrainingSites.Count == 1)
            problems.Add(Messages.Problem("federation-of-one", at["sites"]!.Place, study.TrainingSites[0].Id));
        if (study.Privacy is not null && study.Sites.FirstOrDefault(s => !s.Trains) is { } unseen) problems.Add(Messages.Problem("unseen-with-privacy", at["privacy"]!.Place, unseen.Id));
    }

    private static void Partners(StudySection study, DeclaredNode.Map at, ProblemList problems)
    {
        if (study.Arms.Contains(Arm.Partner) && study.Partners.Count == 0 && study.Sites.Count > StudySection.LargestFullPartnerMatrix)
            problems.Add(Messages.Problem("partners-needed", at["arms"]?.Place ?? at.Place, study.Sites.Count, StudySection.LargestFullPartnerMatrix));
        foreach (var pair in study.Partners)
        {
            KnownSite(study, pair.From, pair.Place, problems);
            Trains(study, pair.From, pair.Place, problems);
            KnownSite(study, pair.To, pair.Place, problems);
            if (pair.From == pair.To) problems.Add(Messages.Problem("partner-of-itself", pair.Place, pair.From));
        }
    }

    private static void Federation(StudySection study, FederationSection federation, Func<string, Place> place, ProblemList problems)
    {
        var sites = study.TrainingSites.Count;
        if (sites <= 1) return; // a federation of one has been refused already
        foreach (var site in federation.Required)
        {
            KnownSite(study, site, place("required"), problems);
            Trains(study, site, place("required"), problems);
        }
        var cohort = federation.Cohort.Of(sites);
        if (cohort > sites)
        {
            problems.Add(Messages.Problem("cohort-too-large", place("cohort"), cohort, sites));
            return;
        }
        if (federation.Required.Distinct().Count() > cohort)
            problems.Add(Messages.Problem("required-above-cohort", place("required"), federation.Required.Distinct().Count(), cohort));
        if (federation.Quorum.Of(cohort) > cohort)
            problems.Add(Messages.Problem("quorum-too-large", place("quorum"), federation.Quorum.Of(cohort), cohort));
        if (federation is { Strategy: FedNovaSection, OptimizerState: OptimizerMemory.Kept }) problems.Add(Messages.Problem("fednova-kept-optimizer", place("optimizerState")));
        EncodingChecks.Check(study, federation, place, problems);
        if (federation.Strategy.FewestUpdates > cohort)
        {
            var code = federation.Strategy is TrimmedMeanSection ? "trims-nothing" : "too-few-for-strategy";
            problems.Add(Messages.Problem(code, place("strategy"), federation.Strategy.Kind, federation.Strategy.FewestUpdates, cohort));
        }
    }

    private static void Trains(StudySection study, string site, Place place, ProblemList problems)
    {
        if (study.Sites.Any(s => s.Id == site && !s.Trains)) problems.Add(Messages.Problem("site-trains-nothing", place, site));
    }

    private static void KnownSite(StudySection study, string site, Place place, ProblemList problems)
    {
        var known = study.Sites.Select(s => s.Id).ToList();
        if (!known.Contains(site))
            problems.Add(Messages.Problem("unknown-site", place, site, string.Join(", ", known), Spelling.Nearest(site, known) ?? known[0]));
    }

    internal static Place FederationPlace(StudySection study, DeclaredNode.Map at, int index, string? key)
    {
        if (study.Federation is null) return At(at, "federations", index, key);
        return index == 0 ? Within(at["federation"], key) : At(at, "federations", index - 1, key);
    }

    private static Place At(DeclaredNode.Map at, string list, int index, string? key) =>
        at[list] switch
        {
            DeclaredNode.List items when index < items.Items.Count => Within(items.Items[index], key),
            { } single => Within(single, key),
            null => at.Place,
        };

    private static Place Within(DeclaredNode? node, string? key) =>
        key is not null && node is DeclaredNode.Map map && map[key] is { } value ? value.Place : node!.Place;

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", RegexOptions.CultureInvariant)]
    private static partial Regex IdPattern();
}
