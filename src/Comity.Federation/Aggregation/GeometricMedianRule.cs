namespace Comity.Federation.Aggregation;

/// <summary>RFA: the weighted geometric median by smoothed Weiszfeld steps (Pillutla et al. 2022, arXiv:1912.13445, Algorithm 2).</summary>
/// <remarks>
/// The point is never held: it is a mixture z = Σ cᵢ xᵢ, so each pass rebuilds it slice by slice while it measures
/// the distances, and only the n coefficients change.
/// </remarks>
internal sealed class GeometricMedianRule(int iterations, double smoothing, double tolerance) : WeightedRule
{
    public override void Prepare(RoundUpdates updates)
    {
        base.Prepare(updates);
        var n = updates.Count;
        var p = Plain;
        var mixture = (double[])p.Clone();
        var squared = new double[n];
        var slice = Math.Min(updates.SliceOfAll, Math.Max(1, updates.Parameters));
        var (all, point) = (new float[slice * n], new double[slice]);
        var before = double.PositiveInfinity;
        for (var iteration = 0; iteration < iterations; iteration++)
        {
            Measure(updates, mixture, all, point, slice, squared);
            double objective = 0, sum = 0;
            var next = new double[n];
            for (var i = 0; i < n; i++)
            {
                var distance = Math.Sqrt(squared[i]);
                objective += p[i] * distance;
                sum += next[i] = p[i] / Math.Max(smoothing, distance);
            }
            if (before - objective <= tolerance * objective && iteration > 0) break;
            before = objective;
            for (var i = 0; i < n; i++) mixture[i] = next[i] / sum;
        }
        Plain = Coefficients = mixture;
    }

    private static void Measure(RoundUpdates updates, double[] mixture, float[] all, double[] point, int slice, double[] squared)
    {
        Array.Clear(squared);
        for (var offset = 0; offset < updates.Parameters; offset += slice)
        {
            var length = Math.Min(slice, updates.Parameters - offset);
            var z = point.AsSpan(0, length);
            z.Clear();
            for (var i = 0; i < mixture.Length; i++)
            {
                var x = all.AsSpan(i * length, length);
                updates.Read(i, offset, x);
                Widened.MultiplyAdd(x, mixture[i], z);
            }
            for (var i = 0; i < mixture.Length; i++) squared[i] += Widened.SquaredDistance(z, all.AsSpan(i * length, length));
        }
    }
}
