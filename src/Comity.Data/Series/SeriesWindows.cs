using Comity.Data.Tables;

namespace Comity.Data.Series;

/// <summary>The series that a table's records are windows of.</summary>
/// <param name="Section">How windows are cut.</param>
/// <param name="Steps">Every step in order, with its features.</param>
/// <param name="Present">The last step that each record holds, as a row of <paramref name="Steps"/>, shape [records].</param>
internal sealed record SeriesWindows(SeriesSection Section, RecordTable Steps, int[] Present)
{
    /// <summary>The steps that some records' windows hold, each once, ascending.</summary>
    public int[] Covered(ReadOnlySpan<int> records)
    {
        var covered = new bool[Steps.Rows];
        foreach (var record in records)
        {
            if (Section.Lags.Count == 0) covered.AsSpan(Present[record] - Section.Reach + 1, Section.Reach).Fill(true);
            else foreach (var lag in Section.Lags) covered[Present[record] - lag] = true;
        }
        return [.. Enumerable.Range(0, covered.Length).Where(step => covered[step])];
    }

    public SeriesWindows Take(ReadOnlySpan<int> records)
    {
        var present = new int[records.Length];
        for (var i = 0; i < present.Length; i++) present[i] = Present[records[i]];
        return this with { Present = present };
    }
}
