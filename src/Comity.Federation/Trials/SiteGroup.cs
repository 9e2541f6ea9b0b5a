namespace Comity.Federation.Trials;

/// <summary>Some of the sites that are asked in one round of a federation, to be trained together by another process.</summary>
/// <remarks>Besides this an order carries the common model of the round (with the strategy's control variate) and what its sites remember from earlier rounds, so any process may train any group of any round.</remarks>
public sealed record SiteGroup
{
    /// <summary>What the names of such orders, and of the files that go with no other, begin with: no trial's name does.</summary>
    public const string Prefix = "groups/";

    /// <summary>The federation, by the name that stands in model ids.</summary>
    public required string Federation { get; init; }

    /// <summary>Which setting of the federation's search is trained with, from 0; null: it has none.</summary>
    public int? Setting { get; init; }

    /// <summary>Whether the setting is only tried: nobody keeps a model of their own of it.</summary>
    public bool Tried { get; init; }

    /// <summary>Round, from 1.</summary>
    public required int Round { get; init; }

    /// <summary>The sites, in site order.</summary>
    public required IReadOnlyList<GroupedSite> Sites { get; init; }
}

/// <summary>A site of a group.</summary>
/// <param name="Site">Its id.</param>
/// <param name="LastContribution">The last round to which it contributed, which it goes on from; 0: none, or it remembers nothing.</param>
public sealed record GroupedSite(string Site, int LastContribution);
