using Comity.Data.Tables;
using Comity.Tensors.Randomness;

namespace Comity.Data.Splits;

/// <summary>Parts a site's rows: the same study, repeat and site give the same parts, whatever other sites there are.</summary>
public static class Splitter
{
    /// <summary>Parts the rows of one site.</summary>
    /// <param name="table">The site's records.</param>
    /// <param name="split">The study's rule.</param>
    /// <param name="study">Seed of the study.</param>
    /// <param name="repeat">Repeat, from 0.</param>
    /// <remarks>
    /// A stratified fraction takes from each stratum its share, the remainders going to the largest fractions; where a class has
    /// two rows or more, at least one is a test row and at least one is not.
    /// </remarks>
    public static RowSplits Split(RecordTable table, SplitSection split, Seed study, int repeat)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(split);
        ArgumentOutOfRangeException.ThrowIfNegative(repeat);
        var all = Enumerable.Range(0, table.Rows).ToArray();
        if (split.Time is { } time) return ByTime(RowOrder.Keys(table[time]), all, split);
        if (split.Order) return ByTime([.. table.SourceRowNumbers.Select(row => (long)row)], all, split);
        int[] rest, test;
        int[]? validation = null;
        if (split.File)
        {
            (rest, test) = (all[..table.TestFileFrom], all[table.TestFileFrom..]);
        }
        else if (split.Column is { } column)
        {
            var values = (LevelColumn)table[column.Name];
            test = Where(values, all, column.Test);
            validation = column.Validation.Count > 0 ? Where(values, all, column.Validation) : null;
            rest = [.. all.Except(test).Except(validation ?? [])];
        }
        else if (split.Kfold is { } folds)
        {
            var held = Fold(table, split, all, folds, repeat % folds, study.For("folds", repeat / folds, table.Site).ToRandom());
            (rest, test) = ([.. all.Except(held)], held);
        }
        else
        {
            (rest, test) = HoldOut(table, split, all, split.TestShare, study.For("split", repeat, table.Site).ToRandom());
        }
        if (validation is null)
            (rest, validation) = split.Validation > 0 ? HoldOut(table, split, rest, split.Validation, study.For("validation", repeat, table.Site).ToRandom()) : (rest, []);
        return new RowSplits(rest, validation, test);
    }

    private static (int[] Kept, int[] Held) HoldOut(RecordTable table, SplitSection split, int[] rows, double share, SeededRandom random)
    {
        var strata = Strata(table, split, rows);
        var counts = Apportion([.. strata.Select(s => s.Length)], share);
        var held = new List<int>();
        for (var s = 0; s < strata.Count; s++)
        {
            random.Shuffle<int>(strata[s]);
            held.AddRange(strata[s].AsSpan(0, counts[s]));
        }
        held.Sort();
        var taken = held.ToHashSet();
        return ([.. rows.Where(r => !taken.Contains(r))], [.. held]);
    }

    private static int[] Fold(RecordTable table, SplitSection split, int[] rows, int folds, int fold, SeededRandom random)
    {
        var held = new List<int>();
        var dealt = 0; // goes on across strata, so that the folds' sizes differ by one at most
        foreach (var stratum in Strata(table, split, rows))
        {
            random.Shuffle<int>(stratum);
            foreach (var row in stratum)
                if (dealt++ % folds == fold) held.Add(row);
        }
        held.Sort();
        return [.. held];
    }

    /// <summary>Rows by label and further columns, in the order of their values.</summary>
    private static List<int[]> Strata(RecordTable table, SplitSection split, int[] rows)
    {
        var labels = table.LabelValues;
        var byLabel = split.Stratify.Contains("label") || split.Stratify.Count == 0;
        // A numeric label has no classes to keep in proportion; its strata would be single rows.
        if (byLabel && labels.Any(l => l != MathF.Floor(l) || l is < 0 or > 1000)) byLabel = false;
        var columns = split.Stratify.Where(s => s is not ("label" or "none")).Select(name => table[name]).ToArray();
        return [.. rows
            .GroupBy(row => string.Join('\u001f', columns.Select(c => Value(c, row)).Prepend(byLabel ? ((int)labels[row]).ToString("D4", System.Globalization.CultureInfo.InvariantCulture) : "")))
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => g.ToArray())];
    }

    private static string Value(TableColumn column, int row) => column switch
    {
        LevelColumn levels => levels.IsMissing(row) ? "" : levels.Levels[levels.Codes[row]],
        _ => column.Key(row).ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    /// <summary>Largest remainders, with a floor of one and a ceiling of all but one for strata of two or more.</summary>
    private static int[] Apportion(int[] sizes, double share)
    {
        var wanted = (int)Math.Round(sizes.Sum() * share, MidpointRounding.AwayFromZero);
        var counts = new int[sizes.Length];
        for (var i = 0; i < sizes.Length; i++) counts[i] = (int)Math.Floor(sizes[i] * share);
        var order = Enumerable.Range(0, sizes.Length).OrderByDescending(i => sizes[i] * share - counts[i]).ThenBy(i => i).ToArray();
        for (var i = 0; i < order.Length && counts.Sum() < wanted; i++) counts[order[i]]++;
        for (var i = 0; i < sizes.Length; i++)
            if (sizes[i] >= 2) counts[i] = Math.Clamp(counts[i], 1, sizes[i] - 1);
        return counts;
    }

    private static RowSplits ByTime(long[] keys, int[] all, SplitSection split)
    {
        var ordered = all.OrderBy(row => keys[row]).ThenBy(row => row).ToArray();
        var test = (int)Math.Round(all.Length * split.TestShare, MidpointRounding.AwayFromZero);
        var validation = (int)Math.Round((all.Length - test) * split.Validation, MidpointRounding.AwayFromZero);
        var training = all.Length - test - validation;
        return new RowSplits(Sorted(ordered[..training]), Sorted(ordered[training..(training + validation)]), Sorted(ordered[(training + validation)..]));
    }

    private static int[] Sorted(int[] rows)
    {
        Array.Sort(rows);
        return rows;
    }

    private static int[] Where(LevelColumn column, int[] rows, IReadOnlyList<string> values)
    {
        var wanted = values.Select(Contracts.Level.Canonical).ToHashSet(StringComparer.Ordinal);
        return [.. rows.Where(row => !column.IsMissing(row) && wanted.Contains(column.Levels[column.Codes[row]]))];
    }
}
