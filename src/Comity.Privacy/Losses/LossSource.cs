namespace Comity.Privacy.Losses;

/// <summary>Receives one point of a privacy loss distribution.</summary>
/// <param name="loss">ln(p/q) at the point.</param>
/// <param name="mass">Its probability under the upper distribution P.</param>
internal delegate void LossPoint(double loss, double mass);

/// <summary>The privacy loss of one release in one direction: how far P (with the unit) can be told from Q (without), or the other way round.</summary>
internal abstract class LossSource
{
    /// <summary>
    /// Enumerates the distribution as points whose weights are a quadrature of P. For a continuous loss no panel crosses a
    /// multiple of <paramref name="interval"/>, so that a function with kinks there is integrated to full precision.
    /// </summary>
    /// <returns>The mass whose loss counts as infinite.</returns>
    public abstract double Visit(double interval, LossPoint point);

    /// <summary>The lowest and the highest finite loss.</summary>
    public abstract (double Low, double High) Bounds { get; }

    /// <summary>Mean and variance of the loss, for choosing a discretisation.</summary>
    public (double Mean, double Variance) Moments()
    {
        var (mass, first, second) = (0.0, 0.0, 0.0);
        Visit(double.PositiveInfinity, (loss, weight) =>
        {
            mass += weight;
            first += weight * loss;
            second += weight * loss * loss;
        });
        return (first / mass, Math.Max(0, second / mass - first / mass * (first / mass)));
    }
}

/// <summary>A loss that grows with a real outcome x.</summary>
internal abstract class ContinuousLoss : LossSource
{
    // Gauss and Legendre, five nodes on [−1, 1] (Abramowitz and Stegun 1964, table 25.4).
    private static ReadOnlySpan<double> Nodes => [-0.906179845938663993, -0.538469310105683091, 0, 0.538469310105683091, 0.906179845938663993];
    private static ReadOnlySpan<double> Weights => [0.236926885056189088, 0.478628670499366468, 0.568888888888888889, 0.478628670499366468, 0.236926885056189088];

    /// <summary>The range of outcomes that is integrated, and how wide a panel may be.</summary>
    protected abstract (double Low, double High, double Panel) Range { get; }

    /// <summary>Mass below and above the range: the one counts at the lowest loss of the range, the other as infinite.</summary>
    protected abstract (double Below, double Above) Outside { get; }

    /// <inheritdoc/>
    public override (double Low, double High) Bounds => (Loss(Range.Low), Loss(Range.High));

    /// <summary>The loss at an outcome; never falls with x.</summary>
    protected abstract double Loss(double x);

    /// <summary>The outcome at which a loss is reached; minus or plus infinity outside what is possible.</summary>
    protected abstract double Outcome(double loss);

    /// <summary>Density of P.</summary>
    protected abstract double Density(double x);

    /// <inheritdoc/>
    public override double Visit(double interval, LossPoint point)
    {
        var (low, high, panel) = Range;
        var (below, above) = Outside;
        if (below > 0) point(Loss(low), below);
        var bin = double.IsInfinity(interval) ? 0 : Math.Floor(Loss(low) / interval);
        for (var x = low; x < high; bin++)
        {
            var end = double.IsInfinity(interval) ? high : Math.Min(high, Outcome((bin + 1) * interval));
            if (end <= x) continue;

            // A loss beyond the range of exp has no computable outcome; short steps take its place.
            if (double.IsNaN(end)) end = Math.Min(high, x + panel);
            var pieces = Math.Ceiling((end - x) / panel);
            var half = (end - x) / pieces / 2;
            for (var piece = 0; piece < pieces; piece++)
            {
                var centre = x + (2 * piece + 1) * half;
                for (var node = 0; node < Nodes.Length; node++)
                {
                    var at = centre + half * Nodes[node];
                    point(Loss(at), half * Weights[node] * Density(at));
                }
            }
            x = end;
        }
        return above;
    }
}
