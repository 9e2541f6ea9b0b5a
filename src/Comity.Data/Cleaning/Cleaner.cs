using Comity.Data.Contracts;
using Comity.Data.Tables;
using Comity.Declarations;

namespace Comity.Data.Cleaning;

/// <summary>Leaves out rows, finds duplicates and smooths: what happens to a table between reading and counting.</summary>
internal static class Cleaner
{
    /// <summary>The rows that stay, smoothed where declared.</summary>
    public static RecordTable Clean(RecordTable table, IReadOnlyList<bool> keep, ContractSection contract, CleanSection clean, Place place, ProblemList problems)
    {
        var duplicates = clean.Duplicates == Duplicates.Keep ? [] : FindDuplicates(table, keep, contract);
        if (duplicates.Count > 0)
            problems.Add(Messages.Warning(clean.Duplicates == Duplicates.Drop ? "duplicates-dropped" : "duplicates-found", place, duplicates.Count, table.Site));
        var rows = new List<int>(table.Rows);
        for (var i = 0; i < table.Rows; i++)
            if (keep[i] && !(clean.Duplicates == Duplicates.Drop && duplicates.Contains(i))) rows.Add(i);
        var kept = rows.Count == table.Rows ? table : table.Take(rows.ToArray());
        foreach (var smoothing in clean.Smoothing) Smoother.Smooth(kept, smoothing);
        return kept;
    }

    /// <summary>Rows whose features and label all equal those of an earlier row of the same file.</summary>
    internal static HashSet<int> FindDuplicates(RecordTable table, IReadOnlyList<bool>? keep, ContractSection contract)
    {
        var columns = contract.Features.Select(f => f.Column).Concat(contract.Label.IsTags ? [contract.Label.Column] : []).Select(c => table[c]).ToArray();
        var seen = new Dictionary<long, List<int>>();
        var duplicates = new HashSet<int>();
        for (var row = 0; row < table.Rows; row++)
        {
            if (keep is not null && !keep[row]) continue;
            var hash = new HashCode();
            hash.Add(row >= table.TestFileFrom); // a test file may repeat a training row; that is for its publisher to say
            if (table.LabelValues.Length > 0) hash.Add(table.LabelValues[row]);
            foreach (var column in columns) hash.Add(column.Key(row));
            var key = hash.ToHashCode();
            if (!seen.TryGetValue(key, out var same)) seen.Add(key, same = []);
            if (same.Exists(other => Equal(table, columns, row, other))) duplicates.Add(row);
            else same.Add(row);
        }
        return duplicates;
    }

    private static bool Equal(RecordTable table, TableColumn[] columns, int a, int b)
    {
        if (table.LabelValues.Length > 0 && table.LabelValues[a] != table.LabelValues[b]) return false;
        if (a >= table.TestFileFrom != b >= table.TestFileFrom) return false;
        foreach (var column in columns)
        {
            if (column.Key(a) != column.Key(b)) return false;
            if (column is GridColumn grid && !grid.BytesOf(a).SequenceEqual(grid.BytesOf(b))) return false;
            if (column is TextColumn text && text.Values[a] != text.Values[b]) return false;
        }
        return true;
    }
}
