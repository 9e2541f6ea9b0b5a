using Comity.Data.Tables;
using Comity.Declarations;

namespace Comity.Data.Series;

/// <summary>Cuts windows out of rows that are steps of a series.</summary>
internal static class WindowCutter
{
    /// <summary>The records of a series.</summary>
    /// <param name="rows">The rows as they were read.</param>
    /// <param name="usable">Whether a row may be a step; where one may not, the series is broken.</param>
    /// <param name="keys">What rows are in the order of.</param>
    /// <param name="section">How windows are cut.</param>
    /// <param name="features">Columns in which the last known value may stand for a missing one.</param>
    /// <param name="place">The source.</param>
    /// <param name="forInference">Records have no label, and the last ones look into the future.</param>
    /// <param name="problems">Where problems go.</param>
    /// <returns>The records; null where none can be made.</returns>
    public static RecordTable? Cut(
        RecordTable rows, IReadOnlyList<bool> usable, IReadOnlyList<double> keys, SeriesSection section, IReadOnlyList<string> features, Place place, bool forInference, ProblemList problems)
    {
        int[] order = [.. Enumerable.Range(0, rows.Rows).Where(i => !double.IsNaN(keys[i])).OrderBy(i => keys[i])];
        var twice = Enumerable.Range(1, Math.Max(0, order.Length - 1)).Count(i => keys[order[i]] == keys[order[i - 1]]);
        if (twice > 0)
        {
            problems.Add(Messages.Problem("series-twice", place, section.Order, twice));
            return null;
        }
        var steps = rows.Take(order);
        steps = steps.With([.. steps.Columns.Select(c => features.Contains(c.Name) && section.Carry > 0 ? c.CarryForward(section.Carry) : c)]);
        var unbroken = Unbroken(order, usable, keys, section.Distance);
        var (present, target) = (new List<int>(), new List<int>());
        var unlabelled = 0;
        for (var step = section.Reach - 1; step < steps.Rows; step += section.Every)
        {
            var labelled = step + section.Horizon;
            if (forInference) labelled = Math.Min(labelled, steps.Rows - 1);
            if (labelled >= steps.Rows) break;
            // unbroken[i] counts the steps up to i without a hole between them.
            if (unbroken[step] < section.Reach || (!forInference && unbroken[labelled] < section.Reach + section.Horizon)) continue;
            if (!forInference && float.IsNaN(steps.LabelValues[labelled]))
            {
                unlabelled++;
                continue;
            }
            present.Add(step);
            target.Add(forInference ? step : labelled);
        }
        var holes = unbroken.Count(n => n == 1) - 1;
        if (holes > 0) problems.Add(Messages.Warning("series-holes", place, holes, section.Order));
        if (unlabelled > 0) problems.Add(Messages.Warning("series-unlabelled", place, unlabelled));
        if (present.Count == 0)
        {
            problems.Add(Messages.Problem("series-too-short", place, steps.Rows, section.Reach + section.Horizon));
            return null;
        }
        var records = steps.Take([.. target]);
        return records.Of(new SeriesWindows(section, steps, [.. present]), [.. present.Select(step => steps.SourceRowNumbers[step])]);
    }

    private static int[] Unbroken(int[] order, IReadOnlyList<bool> usable, IReadOnlyList<double> keys, double? distance)
    {
        var unbroken = new int[order.Length];
        for (var i = 0; i < order.Length; i++)
        {
            var follows = i > 0 && (distance is not { } d || Math.Abs(keys[order[i]] - keys[order[i - 1]] - d) <= 1e-6 * d);
            unbroken[i] = !usable[order[i]] ? 0 : follows ? unbroken[i - 1] + 1 : 1;
        }
        return unbroken;
    }
}
