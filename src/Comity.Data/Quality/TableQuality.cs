using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Tables;

namespace Comity.Data.Quality;

/// <summary>What a site's records look like, without showing one: small counts are suppressed, extremes stand on several rows.</summary>
/// <param name="Site">The site.</param>
/// <param name="Rows">Usable rows; null: fewer than the threshold.</param>
/// <param name="Duplicates">Rows that repeat an earlier one; null: some, but fewer than the threshold.</param>
/// <param name="LabelCounts">Rows by class, in the order of the classes; empty for regression.</param>
/// <param name="Label">The numeric label; null for classes.</param>
/// <param name="Columns">Every feature.</param>
public sealed record TableQuality(
    string Site, int? Rows, int? Duplicates, IReadOnlyList<LevelCount> LabelCounts, ColumnSummary? Label, IReadOnlyList<ColumnSummary> Columns)
{
    /// <summary>Counts below this are suppressed unless a study says otherwise.</summary>
    public const int DefaultThreshold = 10;

    /// <summary>Describes one site's records.</summary>
    /// <param name="table">The records.</param>
    /// <param name="contract">The study's contract.</param>
    /// <param name="threshold">Smallest count shown; 0 or 1 shows all (at the owner's own console).</param>
    public static TableQuality Describe(RecordTable table, ContractSection contract, int threshold = DefaultThreshold)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(contract);
        var names = contract.Label.ClassNames;
        var counts = new int[names.Count];
        if (counts.Length > 0) foreach (var label in table.LabelValues) counts[(int)label]++;
        return new TableQuality(
            table.Site,
            Disclosure.Shown(table.Rows, threshold),
            Disclosure.Shown(Cleaner.FindDuplicates(table, null, contract).Count, threshold),
            Disclosure.Levels(names, counts, threshold),
            counts.Length > 0 ? null : ColumnSummary.OfNumbers(contract.Label.Column, table.LabelValues, threshold),
            [.. contract.Features.Select(f => ColumnSummary.Of(table[f.Column], threshold))]);
    }

    /// <summary>Describes several sites, each with its drift against the others.</summary>
    public static IReadOnlyList<TableQuality> DescribeAll(IReadOnlyList<RecordTable> tables, ContractSection contract, int threshold = DefaultThreshold)
    {
        ArgumentNullException.ThrowIfNull(tables);
        var drift = Drift.BetweenSites(tables, contract);
        return [.. tables.Select((table, site) =>
        {
            var quality = Describe(table, contract, threshold);
            return quality with { Columns = [.. quality.Columns.Select((column, c) => With(column, drift[site][c]))] };
        })];
    }

    private static ColumnSummary With(ColumnSummary column, ColumnDrift? drift) =>
        column with { Drift = drift?.Index, DriftMissingShare = drift is { Index: > 0 } known ? Math.Round(known.ByMissing / known.Index, 1) : null };
}

/// <summary>Rows with a value.</summary>
/// <param name="Level">The value.</param>
/// <param name="Rows">How many rows have it; null: suppressed.</param>
public sealed record LevelCount(string Level, int? Rows);
