using Comity.Declarations;
using Comity.Federation.Studies;

namespace Comity.Federation.Searches;

/// <summary>One combination of values, by key in the order of the study file.</summary>
public sealed record SearchSetting(IReadOnlyList<KeyValuePair<string, DeclaredNode.Scalar>> Values)
{
    /// <summary>As people read it: <c>learningRate 0.01, batch 32</c>, with the last part of each key.</summary>
    public override string ToString() => string.Join(", ", Values.Select(v => $"{v.Key[(v.Key.LastIndexOf('.') + 1)..]} {v.Value.Text}"));

    /// <summary>A map with these values in the places that their keys name.</summary>
    /// <param name="basis">The map to change; what it does not hold yet is added.</param>
    public DeclaredNode.Map Over(DeclaredNode.Map basis)
    {
        ArgumentNullException.ThrowIfNull(basis);
        return Values.Aggregate(basis, (map, value) => With(map, value.Key.Split('.'), value.Value));
    }

    /// <summary>What the values under <c>training</c> change in that section, as JSON text.</summary>
    public string TrainingOverrides()
    {
        var changed = Over(new DeclaredNode.Map(new Place("", 0, 0, ""), []));
        return changed["training"] is { } training ? DeclaredJson.Write(training) : "{}";
    }

    private static DeclaredNode.Map With(DeclaredNode.Map map, ReadOnlySpan<string> path, DeclaredNode.Scalar value)
    {
        var key = path[0];
        DeclaredNode below = value;
        if (path.Length > 1)
        {
            below = map[key] switch
            {
                DeclaredNode.Map inner => inner,
                // strategy: fedadam stands for strategy: { kind: fedadam }
                DeclaredNode.Scalar { IsNull: false } kind => new DeclaredNode.Map(kind.Place, [new DeclaredEntry("kind", kind.Place, kind)]),
                _ => new DeclaredNode.Map(value.Place, []),
            };
            below = With((DeclaredNode.Map)below, path[1..], value);
        }
        var at = map.Entries.Index().FirstOrDefault(e => e.Item.Key == key, (-1, null!)).Index;
        return at < 0
            ? map with { Entries = [.. map.Entries, new DeclaredEntry(key, value.Place, below)] }
            : map with { Entries = [.. map.Entries.Select((e, i) => i == at ? e with { Value = below } : e)] };
    }
}

/// <summary>All combinations of a search.</summary>
public static class SearchSpace
{
    /// <summary>The combinations; the last key changes fastest.</summary>
    public static IReadOnlyList<SearchSetting> Of(SearchSection search)
    {
        ArgumentNullException.ThrowIfNull(search);
        var settings = new List<SearchSetting> { new([]) };
        foreach (var (key, value) in search.Values)
        {
            var items = value is DeclaredNode.List list ? list.Items.OfType<DeclaredNode.Scalar>() : [];
            settings = [.. settings.SelectMany(s => items.Select(item => new SearchSetting([.. s.Values, KeyValuePair.Create(key, item)])))];
        }
        return settings;
    }
}
