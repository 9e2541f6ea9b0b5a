using Comity.Privacy.Events;
using Comity.Privacy.Numerics;

namespace Comity.Privacy.Accounting;

/// <summary>Rényi differential privacy: divergences add up order by order, and the best order gives (ε, δ).</summary>
/// <remarks>
/// Fast and always safe, but loose for small sampling rates; <see cref="PldAccountant"/> is tighter. Conversion: Canonne, Kamath
/// and Steinke 2020 (arXiv:2004.00010), Proposition 12, with the bound of δ by the KL divergence for tiny divergences.
/// </remarks>
public sealed class RdpAccountant : IPrivacyAccountant
{
    private readonly double[] _orders;

    /// <param name="relation">Which data sets count as neighbours.</param>
    /// <param name="orders">Orders α &gt; 1 to try; <see cref="DefaultOrders"/> where none are given.</param>
    public RdpAccountant(NeighbouringRelation relation, IReadOnlyList<double>? orders = null)
    {
        Relation = relation;
        _orders = [.. orders ?? DefaultOrders];
        if (_orders.Length == 0 || !_orders.All(order => order > 1 && order <= 100_000))
            throw new ArgumentOutOfRangeException(nameof(orders), "Orders must be greater than 1 and at most 100000.");
    }

    /// <summary>1.1 to 10.9 by tenths, 11 to 63, 128, 256, 512, 1024 (those of dp_accounting 0.6.0).</summary>
    public static IReadOnlyList<double> DefaultOrders { get; } =
        [.. Enumerable.Range(11, 99).Select(tenth => tenth / 10.0), .. Enumerable.Range(11, 53).Select(order => (double)order), 128, 256, 512, 1024];

    /// <inheritdoc/>
    public string Name => "rdp";

    /// <inheritdoc/>
    public NeighbouringRelation Relation { get; }

    /// <inheritdoc/>
    public double Epsilon(PrivacyEvent released, double delta)
    {
        Guard.Delta(delta);
        return BestOrder(released, delta).Epsilon;
    }

    /// <summary>ε and the order that gave it; an order at either end of the list means that more orders would give less.</summary>
    public (double Epsilon, double Order) BestOrder(PrivacyEvent released, double delta)
    {
        Guard.Delta(delta);
        var divergences = Divergences(released);
        var best = (Epsilon: double.PositiveInfinity, Order: _orders[0]);
        for (var i = 0; i < _orders.Length; i++)
        {
            var (order, divergence) = (_orders[i], divergences[i]);
            // For α close to 1 the conversion loses all meaning, and its rounding errors do not.
            if (order <= 1.01 || !double.IsFinite(divergence)) continue;
            var epsilon = delta * delta + Precise.ExpMinusOne(-divergence) > 0
                ? 0
                : divergence + Precise.LogOnePlus(-1 / order) - Math.Log(delta * order) / (order - 1);
            if (epsilon < best.Epsilon) best = (epsilon, order);
        }
        return best with { Epsilon = Math.Max(0, best.Epsilon) };
    }

    /// <inheritdoc/>
    public double Delta(PrivacyEvent released, double epsilon)
    {
        Guard.NotNegative(epsilon);
        var divergences = Divergences(released);
        var best = 1.0;
        for (var i = 0; i < _orders.Length; i++)
        {
            var (order, divergence) = (_orders[i], divergences[i]);
            if (order <= 1.01 || !double.IsFinite(divergence)) continue;
            var logDelta = (order - 1) * (divergence - epsilon + Precise.LogOnePlus(-1 / order)) - Math.Log(order);
            best = Math.Min(best, Math.Min(Math.Exp(logDelta), Math.Sqrt(-Precise.ExpMinusOne(-divergence))));
        }
        return best;
    }

    /// <summary>The divergence of everything together, one value an order.</summary>
    /// <exception cref="UnsupportedEventException">The accountant can't bound the event.</exception>
    public double[] Divergences(PrivacyEvent released)
    {
        ArgumentNullException.ThrowIfNull(released);
        var total = new double[_orders.Length];
        foreach (var (part, count) in Releases.Of(released))
        {
            for (var i = 0; i < total.Length; i++) total[i] += count * Single(part, _orders[i]);
        }
        return total;
    }

    private double Single(PrivacyEvent part, double order)
    {
        var replace = Relation == NeighbouringRelation.ReplaceOne;
        return part switch
        {
            NonPrivateEvent => double.PositiveInfinity,
            GaussianEvent gaussian => RenyiDivergence.Gaussian(replace ? gaussian.NoiseMultiplier / 2 : gaussian.NoiseMultiplier, order),
            DiscreteGaussianEvent discrete => RenyiDivergence.DiscreteGaussian(replace ? new(discrete.Sigma, checked(2 * discrete.Sensitivity)) : discrete, order),
            LaplaceEvent laplace => RenyiDivergence.Laplace(replace ? laplace.NoiseMultiplier / 2 : laplace.NoiseMultiplier, order),
            PureEvent pure => RenyiDivergence.Pure(replace ? 2 * pure.Epsilon : pure.Epsilon, order),
            PoissonSampledEvent when replace => throw new UnsupportedEventException(Name, part,
                "the bound for Poisson samples is proved for adding or removing one unit; choose that relation."),
            PoissonSampledEvent { Sampled: GaussianEvent gaussian } sampled => RenyiDivergence.SampledGaussian(sampled.SamplingProbability, gaussian.NoiseMultiplier, order),
            _ => throw new UnsupportedEventException(Name, part, "no bound of its Rényi divergence is known here; release it through a Gaussian, Laplace or discrete Gaussian, or sample a Gaussian."),
        };
    }
}
