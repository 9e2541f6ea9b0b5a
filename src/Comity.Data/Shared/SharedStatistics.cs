namespace Comity.Data.Shared;

/// <summary>How the parts of a statistic from several sites become one.</summary>
public enum SharedMerge
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

/// <summary>One named part of the shared statistics.</summary>
/// <param name="Name">Column and what is counted, such as <c>age/moments</c>.</param>
/// <param name="Merge">How parts of several sites are combined.</param>
/// <param name="Values">Numbers, of the same length at all sites; empty for a union.</param>
/// <param name="Labels">Texts, for a union only.</param>
public sealed record SharedPart(string Name, SharedMerge Merge, IReadOnlyList<double> Values, IReadOnlyList<string> Labels)
{
    /// <summary>What one record can change; null: unknown, as of a number without a closed range.</summary>
    public SharedBound? Bound { get; init; }

    /// <summary>Whether all values are counts.</summary>
    public bool Whole { get; init; }
}

/// <summary>What adding or removing one record can change in a part: noise that hides a record is measured by it.</summary>
/// <param name="Largest">The most that each value can move, positive, as many as there are values.</param>
/// <param name="Norm">L2 norm of a record's moves, each divided by its <paramref name="Largest"/>: 1 for counts where a record falls into one bucket.</param>
public sealed record SharedBound(IReadOnlyList<double> Largest, double Norm)
{
    /// <summary>For each block of an image: values present, Σx and Σx², of values from 0 to 1.</summary>
    internal static SharedBound Image(int blocks, int blockLength) => new([.. Enumerable.Repeat((double)blockLength, 3 * blocks)], Math.Sqrt(3.0 * blocks));

    /// <summary>A record falls into at most one of the buckets.</summary>
    internal static SharedBound OneBucket(int buckets) => new([.. Enumerable.Repeat(1.0, buckets)], 1);

    /// <summary>Present, missing, Σx and Σx² of a number taken off the middle of its range; null without a closed one.</summary>
    internal static SharedBound? Moments(Contracts.ValueRange? range)
    {
        if (Reach(range) is not { } reach) return null;
        // Present and missing exclude one another.
        return new([1, 1, reach, reach * reach], Math.Sqrt(3));
    }

    /// <summary>Count and Σx for each class, of which a record has one.</summary>
    internal static SharedBound? ByClass(Contracts.ValueRange? range, int classes) =>
        Reach(range) is { } reach ? new([.. Enumerable.Range(0, 2 * classes).Select(i => i % 2 == 0 ? 1 : reach)], Math.Sqrt(2)) : null;

    private static double? Reach(Contracts.ValueRange? range) =>
        range is { IsClosed: true } closed && closed.High > closed.Low ? (closed.High!.Value - closed.Low!.Value) / 2 : null;
}

/// <summary>Sums, counts, extremes and vocabularies over a site's training rows: what is shared so that no record need be.</summary>
/// <param name="Parts">Parts in a fixed order; parts of the same name merge.</param>
public sealed record SharedStatistics(IReadOnlyList<SharedPart> Parts)
{
    /// <summary>Nothing collected.</summary>
    public static SharedStatistics None { get; } = new([]);

    /// <summary>A part by name, or null.</summary>
    public SharedPart? this[string name] => Parts.FirstOrDefault(p => p.Name == name);

    /// <summary>The steps that a study needs, in order; each sees what those before it agreed on.</summary>
    /// <remarks>With <c>statistics: site</c> only the vocabulary is agreed; see <see cref="Preprocess.Preprocessing.FitSite"/>.</remarks>
    public static IReadOnlyList<string> Steps(Contracts.ContractSection contract, Preprocess.PreprocessSection preprocess) =>
        StatisticsPlan.Of(contract, preprocess).Steps;

    /// <summary>What of these statistics can't be learnt as a sum over sites: a column's own words, or its smallest and largest value.</summary>
    /// <returns>The column, and <c>values</c>, <c>characters</c> or <c>extremes</c>.</returns>
    public static IReadOnlyList<(string Column, string What)> NotSums(Contracts.ContractSection contract, Preprocess.PreprocessSection preprocess)
    {
        ArgumentNullException.ThrowIfNull(contract);
        var plan = StatisticsPlan.Of(contract, preprocess);
        return [.. contract.Features.SelectMany(f => new[] { (StatisticsPlan.NeedsVocabulary(f), "values"), (StatisticsPlan.NeedsCharacters(f), "characters"), (plan.SharesSums && plan.NeedsExtremes(f), "extremes") }
            .Where(n => n.Item1).Select(n => (f.Column, n.Item2)))];
    }

    /// <summary>One site's part of a step.</summary>
    /// <param name="step">The step's name.</param>
    /// <param name="table">The site's records.</param>
    /// <param name="rows">Training rows, as indices into the table.</param>
    /// <param name="contract">The study's contract.</param>
    /// <param name="preprocess">The study's preprocessing.</param>
    /// <param name="agreed">What the steps before gave, merged over all sites.</param>
    public static SharedStatistics Collect(
        string step, Tables.RecordTable table, ReadOnlySpan<int> rows, Contracts.ContractSection contract, Preprocess.PreprocessSection preprocess, SharedStatistics agreed) =>
        StatisticsCollector.Collect(step, table, rows, contract, preprocess, agreed);

    /// <summary>Several sites' statistics as one, in the order given.</summary>
    /// <exception cref="ArgumentException">Parts of the same name differ in rule or length.</exception>
    public static SharedStatistics Merge(IEnumerable<SharedStatistics> sites)
    {
        var order = new List<string>();
        var merged = new Dictionary<string, SharedPart>(StringComparer.Ordinal);
        foreach (var part in sites.SelectMany(s => s.Parts))
        {
            if (!merged.TryGetValue(part.Name, out var before))
            {
                order.Add(part.Name);
                merged[part.Name] = part;
                continue;
            }
            if (before.Merge != part.Merge || before.Values.Count != part.Values.Count)
                throw new ArgumentException($"Sites disagree on the form of the statistic '{part.Name}'; all must run the same study and version.", nameof(sites));
            merged[part.Name] = part.Merge == SharedMerge.Union
                ? part with { Labels = [.. before.Labels.Union(part.Labels).OrderBy(l => l, StringComparer.Ordinal)] }
                : part with { Values = [.. before.Values.Zip(part.Values, (a, b) => Combine(part.Merge, a, b))] };
        }
        return new SharedStatistics([.. order.Select(name => merged[name])]);
    }

    /// <summary>Mean and standard deviation of a numeric label over all sites' training rows; null where sites keep to their own numbers, or the label is of classes.</summary>
    public (double Mean, double Deviation)? LabelMoments(Contracts.ContractSection contract)
    {
        ArgumentNullException.ThrowIfNull(contract);
        if (this["label/moments"] is not { } part) return null;
        var (present, mean, deviation) = Preprocess.ColumnFitter.Moments(part.Values, StatisticsPlan.Shift(contract.Label.Column, contract.Label.Range, this));
        return present > 0 && deviation > 0 ? (mean, deviation) : null;
    }

    /// <summary>These statistics and those of a later step.</summary>
    public SharedStatistics And(SharedStatistics later) => new([.. Parts, .. later.Parts]);

    private static double Combine(SharedMerge merge, double a, double b) => merge switch
    {
        SharedMerge.Sum => a + b,
        SharedMerge.Min => Math.Min(a, b),
        _ => Math.Max(a, b),
    };
}
