namespace Comity.Data.Quality;

/// <summary>Keeps small counts from telling about single people.</summary>
internal static class Disclosure
{
    /// <summary>A count, or null where it is above zero and below the threshold.</summary>
    public static int? Shown(int count, int threshold) => count == 0 || count >= threshold ? count : null;

    /// <summary>Counts of a column's values. Where just one is suppressed the next smallest goes too: the total would give it away.</summary>
    public static IReadOnlyList<LevelCount> Levels(IReadOnlyList<string> levels, IReadOnlyList<int> counts, int threshold)
    {
        var shown = counts.Select(c => Shown(c, threshold)).ToArray();
        if (shown.Count(s => s is null) == 1 && shown.Any(s => s > 0))
        {
            var next = Enumerable.Range(0, counts.Count).Where(i => shown[i] > 0).MinBy(i => counts[i]);
            shown[next] = null;
        }
        return [.. levels.Select((level, i) => new LevelCount(level, shown[i]))];
    }
}
