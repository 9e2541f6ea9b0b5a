using Comity.Declarations;
using Comity.Federation.Strategies;
using Comity.Federation.Studies;

namespace Comity.Federation.Searches;

/// <summary>What must hold of a study's searches.</summary>
internal static class SearchChecks
{
    public static void Check(StudySection study, DeclaredNode.Map at, Func<int, string, Place> inFederation, ProblemList problems)
    {
        if (study.Search is { } own)
        {
            var place = at["search"]!.Place;
            Keys(own, ["training."], problems);
            if (own.Rounds is not null) problems.Add(Messages.Problem("search-rounds", place));
            Private(study, place, problems);
        }
        for (var i = 0; i < study.AllFederations.Count; i++)
        {
            var federation = study.AllFederations[i];
            if (federation.Search is not { } search) continue;
            var place = inFederation(i, "search");
            Keys(search, FederationSetting.Keys, problems);
            // The common model has only the first normalisation of nobody: it can't be judged for all.
            if (federation.Personalise is FedBnSection) problems.Add(Messages.Problem("search-fedbn", place, federation.Id));
            Private(study, place, problems);
        }
    }

    private static void Keys(SearchSection search, string[] starts, ProblemList problems)
    {
        foreach (var (key, value) in search.Values)
        {
            if (!Starts(key, starts))
                problems.Add(Messages.Problem("search-key", value.Place, key, string.Join(", ", starts)));
        }
    }

    /// <summary>Whether a key is one of these, or lies below one that ends with a full stop.</summary>
    public static bool Starts(string key, IEnumerable<string> starts) =>
        starts.Any(s => s.EndsWith('.') ? key.StartsWith(s, StringComparison.Ordinal) && key.Length > s.Length : key == s);

    private static void Private(StudySection study, Place place, ProblemList problems)
    {
        if (study.Privacy is not null) problems.Add(Messages.Problem("search-private", place));
    }
}
