using Comity.Declarations;
using Comity.Federation.Strategies;
using Comity.Federation.Studies;

namespace Comity.Federation.Searches;

/// <summary>A federation with one setting of its search.</summary>
/// <param name="Setting">The values.</param>
/// <param name="Federation">The federation with them, without a search.</param>
public sealed record FederationSetting(SearchSetting Setting, FederationSection Federation)
{
    /// <summary>What the keys of a federation's search may start with.</summary>
    internal static readonly string[] Keys = ["training.", "strategy.", "localEpochs"];

    /// <summary>Binds the federation once for each setting, so that a value is checked like any that is written in its place.</summary>
    /// <param name="search">The search.</param>
    /// <param name="federation">The federation as it was written.</param>
    /// <param name="problems">Takes what is wrong with a setting.</param>
    internal static IReadOnlyList<FederationSetting> Bind(SearchSection search, DeclaredNode.Map federation, ProblemList problems)
    {
        if (!search.Values.Keys.All(key => SearchChecks.Starts(key, Keys))) return []; // said already
        var settings = new List<FederationSetting>();
        var plain = federation with { Entries = [.. federation.Entries.Where(e => e.Key != "search")] };
        // A value under strategy needs a strategy to belong to.
        if (plain["strategy"] is null) plain = plain with { Entries = [.. plain.Entries, new DeclaredEntry("strategy", plain.Place, new DeclaredNode.Scalar(plain.Place, new FedAvgSection().Kind, Quoted: false))] };
        foreach (var setting in SearchSpace.Of(search))
        {
            var own = new ProblemList();
            var bound = SectionReader.Read<FederationSection>(setting.Over(plain), own);
            // The same value stands in many combinations, and what is wrong elsewhere in the federation was said already.
            problems.AddRange(own.Where(p => !problems.Any(q => q.Code == p.Code && q.Place == p.Place)));
            if (bound is not null) settings.Add(new FederationSetting(setting, bound));
        }
        return settings;
    }
}
