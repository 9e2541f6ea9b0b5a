using System.Globalization;
using Comity.Data.Contracts;
using Comity.Data.Tables;

namespace Comity.Data.Quality;

/// <summary>The groups of a sensitive column, for judging models group by group.</summary>
/// <param name="Column">The column.</param>
/// <param name="Groups">Names of the groups: the column's values, or <c>&lt;40</c>, <c>40–&lt;65</c>, <c>≥65</c> for a number that is cut.</param>
/// <param name="GroupOfRow">Position among <paramref name="Groups"/> by row of the table, shape [rows]; −1: not known.</param>
public sealed record SensitiveGroups(string Column, IReadOnlyList<string> Groups, IReadOnlyList<int> GroupOfRow)
{
    /// <summary>The groups of each sensitive column of the contract.</summary>
    public static IReadOnlyList<SensitiveGroups> Of(RecordTable table, ContractSection contract)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(contract);
        return [.. contract.Sensitive.Select(s => table[s.Column] switch
        {
            NumberColumn numbers => Cut(numbers, s.Cuts),
            LevelColumn levels => new SensitiveGroups(s.Column, levels.Levels, levels.Codes.ToArray()),
            var other => throw new ArgumentException($"The column '{other.Name}' makes no groups.", nameof(contract)),
        })];
    }

    private static SensitiveGroups Cut(NumberColumn column, IReadOnlyList<double> cuts)
    {
        string Text(double cut) => cut.ToString("R", CultureInfo.InvariantCulture);
        var groups = new List<string> { $"<{Text(cuts[0])}" };
        for (var i = 1; i < cuts.Count; i++) groups.Add($"{Text(cuts[i - 1])}–<{Text(cuts[i])}");
        groups.Add($"≥{Text(cuts[^1])}");
        var of = new int[column.Values.Length];
        for (var row = 0; row < of.Length; row++)
            of[row] = column.IsMissing(row) ? -1 : cuts.Count(cut => column.Values[row] >= cut);
        return new SensitiveGroups(column.Name, groups, of);
    }
}
