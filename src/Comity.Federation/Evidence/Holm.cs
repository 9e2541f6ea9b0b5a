namespace Comity.Federation.Evidence;

/// <summary>Holm's step-down correction (Holm 1979).</summary>
internal static class Holm
{
    /// <summary>Corrected p in the order given; NaN stays NaN and counts for nothing.</summary>
    public static double[] Correct(IReadOnlyList<double> p)
    {
        var corrected = p.ToArray();
        var order = Enumerable.Range(0, p.Count).Where(i => !double.IsNaN(p[i])).OrderBy(i => p[i]).ThenBy(i => i).ToList();
        var largest = 0.0;
        for (var rank = 0; rank < order.Count; rank++)
        {
            largest = Math.Max(largest, Math.Min(1, p[order[rank]] * (order.Count - rank)));
            corrected[order[rank]] = largest;
        }
        return corrected;
    }
}
