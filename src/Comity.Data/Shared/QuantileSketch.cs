namespace Comity.Data.Shared;

/// <summary>Counts in buckets that grow with the value, so that any quantile is known to within 1 % of itself; sketches add.</summary>
/// <remarks>
/// Masson, Rim and Lee 2019 (DDSketch, arXiv:1908.10693): bucket i holds (γ^(i−1), γ^i] with γ = (1+α)/(1−α), α = 0.01. Bounds
/// are agreed beforehand (contract or extremes), so all sites have the same fixed buckets and merging is addition, which is
/// exact: the sketch of the union is the sum of the sketches. Values nearer to zero than a millionth of the largest
/// bound share one bucket; for them the error is that millionth instead.
/// </remarks>
internal sealed class QuantileSketch
{
    private const double Accuracy = 0.01;
    private const double Smallest = 1e-6;
    private static readonly double Gamma = (1 + Accuracy) / (1 - Accuracy);
    private static readonly double LogGamma = Math.Log(Gamma);
    private readonly double _low;
    private readonly double _high;
    private readonly double _zero;
    private readonly int _first;
    private readonly int _last;
    private readonly int _negative;
    private readonly int _positive;

    public QuantileSketch(double low, double high)
    {
        (_low, _high) = (low, high);
        var largest = Math.Max(Math.Abs(low), Math.Abs(high));
        _zero = largest * Smallest;
        var nearest = low > 0 ? low : high < 0 ? -high : 0;
        _first = largest == 0 ? 0 : Index(Math.Max(nearest, _zero));
        _last = largest == 0 ? -1 : Index(largest);
        var span = _last - _first + 1;
        (_negative, _positive) = (low < 0 ? span : 0, high > 0 ? span : 0);
    }

    /// <summary>Number of buckets: negative ones from the far end, zero, positive ones.</summary>
    public int Buckets => _negative + 1 + _positive;

    public int BucketOf(double value)
    {
        // Beyond agreed bounds only if a site broke the agreement; the outermost bucket then takes it.
        var magnitude = Math.Abs(value);
        if (magnitude <= _zero || _last < _first) return _negative;
        var index = Math.Clamp(Index(magnitude), _first, _last) - _first;
        return value < 0 ? _negative == 0 ? 0 : _negative - 1 - index : _positive == 0 ? _negative : _negative + 1 + index;
    }

    /// <summary>The value of a quantile (the smallest value with at least that share at or below it); NaN when nothing was counted.</summary>
    public double Quantile(IReadOnlyList<double> counts, double q)
    {
        var total = counts.Sum();
        if (total == 0) return double.NaN;
        var rank = Math.Max(1, Math.Ceiling(q * total - 1e-9));
        var below = 0.0;
        for (var bucket = 0; bucket < counts.Count; bucket++)
        {
            below += counts[bucket];
            if (below >= rank) return Math.Clamp(ValueOf(bucket), _low, _high);
        }
        return _high;
    }

    private static int Index(double magnitude) => (int)Math.Ceiling(Math.Log(magnitude) / LogGamma);

    private double ValueOf(int bucket)
    {
        if (bucket == _negative) return 0;
        // The value whose relative error to both ends of the bucket is α.
        return bucket < _negative ? -Middle(_negative - 1 - bucket) : Middle(bucket - _negative - 1);
    }

    private double Middle(int index) => 2 * Math.Pow(Gamma, _first + index) / (Gamma + 1);
}
