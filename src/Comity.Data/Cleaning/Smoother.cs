using Comity.Data.Tables;

namespace Comity.Data.Cleaning;

/// <summary>Replaces each value of ordered rows by the mean or median of the window that ends with it.</summary>
/// <remarks>The window looks back only: a value smoothed with later rows would tell a model what it can't know yet.</remarks>
internal static class Smoother
{
    public static void Smooth(RecordTable table, SmoothingSection smoothing)
    {
        var rows = Enumerable.Range(0, table.Rows).ToArray();
        if (smoothing.Order is { } order)
        {
            var keys = Splits.RowOrder.Keys(table[order]);
            rows = [.. rows.OrderBy(r => keys[r]).ThenBy(r => r)];
        }
        foreach (var name in smoothing.Columns)
        {
            var values = ((NumberColumn)table[name]).Writable;
            var raw = values.ToArray();
            var window = new List<float>(smoothing.Window);
            for (var i = 0; i < rows.Length; i++)
            {
                if (float.IsNaN(raw[rows[i]])) continue; // smoothing fills no gaps; that is the missing policy's task
                window.Clear();
                for (var j = Math.Max(0, i - smoothing.Window + 1); j <= i; j++)
                    if (!float.IsNaN(raw[rows[j]])) window.Add(raw[rows[j]]);
                values[rows[i]] = smoothing.By == SmoothingKind.MovingAverage ? (float)window.Average(x => (double)x) : Median(window);
            }
        }
    }

    private static float Median(List<float> window)
    {
        window.Sort();
        var middle = window.Count / 2;
        return window.Count % 2 == 1 ? window[middle] : (float)((window[middle - 1] + (double)window[middle]) / 2);
    }
}
