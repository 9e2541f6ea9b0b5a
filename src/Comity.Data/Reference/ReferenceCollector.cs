using Comity.Data.Contracts;
using Comity.Data.Quality;
using Comity.Data.Tables;

namespace Comity.Data.Reference;

/// <summary>Counts training records for a release.</summary>
public static class ReferenceCollector
{
    /// <summary>Counts the training records of all sites, and of each market apart.</summary>
    /// <param name="contract">The study's contract.</param>
    /// <param name="sites">Each site's market, records and training rows.</param>
    /// <param name="threshold">Smallest count that is told.</param>
    public static ReferenceStatistics Collect(
        ContractSection contract, IReadOnlyList<(string Market, RecordTable Table, int[] Rows)> sites, int threshold = TableQuality.DefaultThreshold)
    {
        ArgumentNullException.ThrowIfNull(contract);
        ArgumentNullException.ThrowIfNull(sites);
        var samples = new List<ReferenceSample> { Sample(null, contract, [.. sites.Select(s => (s.Table, s.Rows))], threshold) };
        samples.AddRange(sites.GroupBy(s => s.Market).Select(m => Sample(m.Key, contract, [.. m.Select(s => (s.Table, s.Rows))], threshold)));
        return new ReferenceStatistics { Threshold = threshold, Samples = samples };
    }

    private static ReferenceSample Sample(string? market, ContractSection contract, IReadOnlyList<(RecordTable Table, int[] Rows)> parts, int threshold)
    {
        var classes = contract.Label.ClassNames;
        var labels = new int[classes.Count];
        foreach (var (table, rows) in parts.Where(_ => labels.Length > 0))
            foreach (var row in rows) labels[(int)table.Labels.Span[row]]++;
        return new ReferenceSample(
            market,
            parts.Sum(p => p.Rows.Length),
            [.. contract.Features.Select(f => ReferenceColumn.Of(f, parts, threshold)).OfType<ReferenceColumn>()],
            null,
            [.. Disclosure.Levels(classes, labels, threshold).Select(l => l.Rows)]);
    }
}
