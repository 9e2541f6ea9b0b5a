namespace Comity.Insight.Evidence;

internal static class Quantiles
{
    /// <summary>A quantile by linear interpolation (Hyndman and Fan 1996, type 7).</summary>
    /// <param name="sorted">At least one value, ascending.</param>
    /// <param name="share">From 0 to 1.</param>
    public static double Of(IReadOnlyList<double> sorted, double share)
    {
        var position = share * (sorted.Count - 1);
        var below = (int)position;
        var above = Math.Min(below + 1, sorted.Count - 1);
        return sorted[below] + ((position - below) * (sorted[above] - sorted[below]));
    }
}
