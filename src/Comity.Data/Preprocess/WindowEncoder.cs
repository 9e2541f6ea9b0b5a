using Comity.Data.Series;
using Comity.Data.Tables;

namespace Comity.Data.Preprocess;

/// <summary>Encodes windows of a series: each step once, and windows as places in the steps. Only lags, which leave steps out, are copied together.</summary>
internal static class WindowEncoder
{
    public static EncodedRows Encode(Preprocessing preprocessing, RecordTable table, SeriesWindows windows, ReadOnlySpan<int> records)
    {
        var (labels, sourceRows) = (new float[table.LabelValues.Length == 0 ? 0 : records.Length], new int[records.Length]);
        var (first, last) = (int.MaxValue, -1);
        for (var i = 0; i < records.Length; i++)
        {
            if (labels.Length > 0) labels[i] = table.LabelValues[records[i]];
            sourceRows[i] = table.SourceRowNumbers[records[i]];
            (first, last) = (Math.Min(first, windows.Present[records[i]] - windows.Section.Reach + 1), Math.Max(last, windows.Present[records[i]]));
        }
        if (records.Length == 0) return new EncodedRows([], labels, sourceRows);
        var width = preprocessing.StepWidth;
        var features = RowEncoder.Features(preprocessing, windows.Steps, [.. Enumerable.Range(first, last - first + 1)]);
        if (windows.Section.Lags.Count > 0) return new EncodedRows(Lagged(features, windows, records, first, width), labels, sourceRows);
        var starts = new int[records.Length];
        for (var i = 0; i < starts.Length; i++) starts[i] = (windows.Present[records[i]] - windows.Section.Reach + 1 - first) * width;
        return new EncodedRows(features, labels, sourceRows) { Starts = starts };
    }

    private static float[] Lagged(float[] steps, SeriesWindows windows, ReadOnlySpan<int> records, int first, int width)
    {
        int[] lags = [.. windows.Section.Lags.OrderDescending()]; // the oldest step first, as in windows
        var rows = new float[checked(records.Length * lags.Length * width)];
        for (var i = 0; i < records.Length; i++)
        {
            for (var l = 0; l < lags.Length; l++)
                steps.AsSpan((windows.Present[records[i]] - lags[l] - first) * width, width).CopyTo(rows.AsSpan((i * lags.Length + l) * width));
        }
        return rows;
    }
}
