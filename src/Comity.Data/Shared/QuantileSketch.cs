namespace Comity.Data.Shared;

/// <summary>Counts in fixed buckets, fine near zero and fine near the mean, from which any quantile is known closely; sketches add.</summary>
/// <remarks>
/// The logarithmic buckets of DDSketch (Masson, Rim and Lee 2019, arXiv:1908.10693) hold a quantile to within 1 % of itself, down to
/// a ten-thousandth of the largest bound. That says nothing about 1013 hPa against 1014, so a second set of such buckets
/// lies around the mean: the error is besides at most 2 % of the distance from the mean, or 0.01 standard deviations.
/// Bounds, mean and deviation are agreed beforehand, so all sites have the same edges, and the sketch of the union is exactly the sum of
/// the sketches.
/// </remarks>
internal sealed class QuantileSketch
{
    private const double ZeroGrowth = 1.02; // half a bucket is 1 % of its lower edge
    private const double ZeroFloor = 1e-4;
    private const double MeanGrowth = 1.04;
    private const double MeanFloor = 0.01;
    private readonly double _low;
    private readonly double _high;
    private readonly double[] _edges; // ascending, inside the bounds; bucket i ends with edge i, the last has none

    public QuantileSketch(double low, double high, double mean, double deviation)
    {
        (_low, _high) = (low, high);
        var edges = new List<double>(512);
        var largest = Math.Max(Math.Abs(low), Math.Abs(high));
        if (largest > 0) AddEdges(edges, 0, largest * ZeroFloor, ZeroGrowth);
        if (deviation > 0 && double.IsFinite(mean)) AddEdges(edges, mean, deviation * MeanFloor, MeanGrowth);
        edges.Sort();
        _edges = [.. edges];
    }

    /// <summary>Number of buckets.</summary>
    public int Buckets => _edges.Length + 1;

    /// <summary>The bucket that a value falls into; beyond the bounds, the outermost.</summary>
    public int BucketOf(double value)
    {
        var at = Array.BinarySearch(_edges, value);
        return at >= 0 ? at : ~at;
    }

    /// <summary>The value of a quantile (the smallest value with at least that share at or below it); NaN when nothing was counted.</summary>
    public double Quantile(IReadOnlyList<double> counts, double q)
    {
        var total = counts.Sum();
        if (total <= 0) return double.NaN; // nothing counted, or less than nothing once noise was added
        var rank = Math.Max(1, Math.Ceiling(q * total - 1e-9));
        var (bucket, below) = (0, counts[0]);
        while (below < rank && bucket < counts.Count - 1) below += counts[++bucket];
        var from = bucket == 0 ? _low : _edges[bucket - 1];
        var to = bucket == _edges.Length ? _high : _edges[bucket];
        // Zero is often a value of its own (no capital gain); its bucket should say so.
        return from < 0 && to > 0 || from == to ? Math.Clamp(0, from, to) : from + (to - from) / 2;
    }

    private void AddEdges(List<double> edges, double centre, double floor, double growth)
    {
        foreach (var (side, reach) in new[] { (-1, centre - _low), (1, _high - centre) })
        {
            for (var distance = floor; distance < reach; distance *= growth)
                if (centre + side * distance is var edge && edge > _low && edge < _high) edges.Add(edge);
        }
    }
}
