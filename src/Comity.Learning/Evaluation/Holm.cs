namespace Comity.Learning.Evaluation;

/// <summary>Corrects p values of several tests so that the chance of any false alarm stays at the level (Holm 1979).</summary>
/// <remarks>Scandinavian Journal of Statistics 6:65–70. Holds under any dependence between the tests.</remarks>
public static class Holm
{
    /// <summary>The adjusted p values, in the order given.</summary>
    /// <param name="p">p values, shape [m]; a NaN was no test: it stays NaN and does not count.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value lies outside [0, 1].</exception>
    public static double[] Adjust(IReadOnlyList<double> p)
    {
        ArgumentNullException.ThrowIfNull(p);
        var adjusted = p.ToArray();
        var order = Enumerable.Range(0, adjusted.Length).Where(i => !double.IsNaN(adjusted[i])).OrderBy(i => adjusted[i]).ToArray();
        var floor = 0.0;
        for (var rank = 0; rank < order.Length; rank++)
        {
            var i = order[rank];
            if (adjusted[i] is < 0 or > 1) throw new ArgumentOutOfRangeException(nameof(p), adjusted[i], "A p value lies between 0 and 1.");
            floor = Math.Max(floor, Math.Min(1, (order.Length - rank) * adjusted[i]));
            adjusted[i] = floor;
        }
        return adjusted;
    }
}
