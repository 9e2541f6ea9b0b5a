using Comity.Federation.Results;

namespace Comity.Insight.Evidence;

/// <summary>A model's id taken apart.</summary>
/// <param name="Id">The whole id, such as <c>federated/fedavg+hungary</c>.</param>
/// <param name="Arm"><c>local</c>, <c>pooled</c>, <c>federated</c>, <c>combined</c>.</param>
/// <param name="Name">Name of the federation or combination; empty without one.</param>
/// <param name="Site">The site that the model belongs to; null for a model that all share.</param>
public sealed record ModelId(string Id, string Arm, string Name, string? Site)
{
    /// <summary>Stands for a site in the id of a family: <c>local/*</c> is each site's own model.</summary>
    public const string EachSite = "*";

    /// <summary>Id of all models that differ by their site only: <c>local/*</c>, <c>federated/fedavg+*</c>; a shared model's own id.</summary>
    public string Family => Site is null ? Id : Arm == "local" ? "local/*" : $"{Arm}/{Name}+*";

    /// <summary>Takes an id apart. A plus sign belongs to a name unless a site's id follows it.</summary>
    /// <param name="id">The id.</param>
    /// <param name="sites">Ids of the study's sites.</param>
    public static ModelId Parse(string id, IReadOnlySet<string> sites)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentNullException.ThrowIfNull(sites);
        var slash = id.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0) return new(id, id, "", null);
        var (arm, rest) = (id[..slash], id[(slash + 1)..]);
        if (arm == "local") return new(id, arm, "", rest);
        for (var plus = rest.IndexOf('+', StringComparison.Ordinal); plus >= 0; plus = rest.IndexOf('+', plus + 1))
        {
            var site = rest[(plus + 1)..];
            if (site == EachSite || sites.Contains(site)) return new(id, arm, rest[..plus], site);
        }
        return new(id, arm, rest, null);
    }

    /// <summary>The model of this family at a site.</summary>
    public string At(string site) => Site is null ? Id : Arm == "local" ? "local/" + site : $"{Arm}/{Name}+{site}";

    /// <summary>The common model of a study: the recommended one, or else the first combined, federated or pooled model; null without any.</summary>
    /// <remarks>A personalised recommendation is given as its family.</remarks>
    public static ModelId? Common(StudyResults results)
    {
        ArgumentNullException.ThrowIfNull(results);
        var sites = results.Sites.Select(s => s.Id).ToHashSet(StringComparer.Ordinal);
        if (results.Recommended is { Length: > 0 } recommended)
            return Parse(recommended, sites) is { Site: not null } one ? Parse(one.Family, sites) : Parse(recommended, sites);
        var shared = results.Models.Select(m => Parse(m.Id, sites)).Where(m => m.Site is null).ToList();
        return shared.Find(m => m.Arm == "combined") ?? shared.Find(m => m.Arm == "federated") ?? shared.Find(m => m.Arm == "pooled");
    }
}
