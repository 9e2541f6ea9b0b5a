using System.Text.Json.Serialization;

namespace Comity.Federation.Sites;

/// <summary>How the parts of a statistic from several sites become one.</summary>
public enum MergeRule
{
    /// <summary>Values are added, in site order.</summary>
    Sum,

    /// <summary>The smallest value stands.</summary>
    Min,

    /// <summary>The largest value stands.</summary>
    Max,

    /// <summary>Labels are united and sorted by ordinal; values are absent.</summary>
    Union,
}

/// <summary>One named part of a statistic.</summary>
/// <param name="Name">Name that the owner of the records gave it, such as <c>age/moments</c>.</param>
/// <param name="Merge">How parts of several sites are combined.</param>
/// <param name="Values">Numbers, all sites with the same length. Empty for <see cref="MergeRule.Union"/>.</param>
/// <param name="Labels">Texts, for <see cref="MergeRule.Union"/> only.</param>
public sealed record StatisticPart(string Name, MergeRule Merge, IReadOnlyList<double> Values, IReadOnlyList<string> Labels)
{
    /// <summary>What one record can change; null: unknown, so the part can't be released under privacy.</summary>
    public RecordBound? Bound { get; init; }

    /// <summary>Whether all values are counts: whole numbers, however they came about.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Whole { get; init; }
}

/// <summary>What adding or removing one record can change in a statistic.</summary>
/// <param name="Largest">The most that each value can move, positive, as many as there are values.</param>
/// <param name="Norm">L2 norm of a record's moves, each divided by its <paramref name="Largest"/>: 1 for counts where a record falls into one bucket.</param>
public sealed record RecordBound(IReadOnlyList<double> Largest, double Norm);

/// <summary>Sums, counts, extremes and vocabularies over a site's records: what is shared so that no record need be.</summary>
/// <param name="Parts">Parts in a fixed order; parts with the same name merge.</param>
public sealed record Statistics(IReadOnlyList<StatisticPart> Parts)
{
    /// <summary>Nothing collected.</summary>
    public static Statistics None { get; } = new([]);
}

/// <summary>Asks a site for one step of the shared statistics.</summary>
/// <param name="Repeat">Repeat of the study, from 0; it decides which rows are training rows.</param>
/// <param name="Step">Name of the step, such as <c>vocabulary</c>, <c>moments</c>, <c>association</c>.</param>
/// <param name="Agreed">What the steps before this one gave, merged over all sites.</param>
public sealed record StatisticsTask(int Repeat, string Step, Statistics Agreed)
{
    /// <summary>Whether only names and lengths of the parts are asked for, with zeros for numbers: what a masked sum must know beforehand. Asked of sites elsewhere only.</summary>
    public bool FormOnly { get; init; }
}
