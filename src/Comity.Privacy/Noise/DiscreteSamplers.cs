using System.Numerics;

namespace Comity.Privacy.Noise;

/// <summary>Draws whole numbers with probability proportional to exp(−|x|·s/t), exactly.</summary>
/// <remarks>Canonne, Kamath and Steinke 2020 (arXiv:2004.00010), Algorithm 2.</remarks>
public sealed class DiscreteLaplace
{
    private readonly ulong _s;
    private readonly ulong _t;

    /// <param name="numerator">t of the scale t/s, positive.</param>
    /// <param name="denominator">s of the scale t/s, positive.</param>
    public DiscreteLaplace(int numerator, int denominator = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(numerator);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(denominator);
        (_t, _s) = ((ulong)numerator, (ulong)denominator);
    }

    /// <summary>One draw.</summary>
    public long Sample(NoiseStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        while (true)
        {
            var fraction = stream.Below(_t);
            if (!ExactBernoulli.ExpMinusFraction(fraction, _t, stream)) continue;
            ulong whole = 0;
            while (ExactBernoulli.ExpMinusFraction(1, 1, stream)) whole++;
            var magnitude = ((ulong)fraction + _t * whole) / _s;
            var negative = (stream.NextUInt64() & 1) == 1;

            // Zero would otherwise be drawn with both signs, twice as often as it should.
            if (negative && magnitude == 0) continue;
            return negative ? -(long)magnitude : (long)magnitude;
        }
    }
}

/// <summary>Draws whole numbers with probability proportional to exp(−x²/(2σ²)), exactly.</summary>
/// <remarks>
/// Canonne, Kamath and Steinke 2020 (arXiv:2004.00010), Algorithm 3: rejection from the discrete Laplace. σ² is a fraction of
/// integers, so what is drawn is the stated distribution and not one near it. The time of a draw depends on the draws that were rejected, hardly on the one returned.
/// </remarks>
public sealed class DiscreteGaussian
{
    private const int VarianceFractionBits = 20;

    private readonly BigInteger _variance;
    private readonly int _t;
    private readonly DiscreteLaplace _proposal;

    /// <param name="sigma">σ, between 2⁻⁸ and 2²⁰; its square is rounded up to a multiple of 2⁻²⁰.</param>
    public DiscreteGaussian(double sigma)
    {
        if (!(sigma >= 1.0 / 256 && sigma <= 1 << 20))
            throw new ArgumentOutOfRangeException(nameof(sigma), sigma, "Sigma must lie between 2^-8 and 2^20.");
        _variance = (BigInteger)Math.Ceiling(sigma * sigma * (1 << VarianceFractionBits));
        Sigma = Math.Sqrt((double)_variance / (1 << VarianceFractionBits));
        _t = (int)Math.Floor(Sigma) + 1;
        _proposal = new(_t);
    }

    /// <summary>The σ that is drawn, at least the one asked for.</summary>
    public double Sigma { get; }

    /// <summary>One draw.</summary>
    public long Sample(NoiseStream stream)
    {
        // Accept y with exp(−(|y| − σ²/t)²/(2σ²)); with σ² = a/b that is (|y|·b·t − a)² / (2·a·b·t²).
        var b = BigInteger.One << VarianceFractionBits;
        var denominator = (UInt128)(2 * _variance * b * _t * _t);
        while (true)
        {
            var candidate = _proposal.Sample(stream);
            var distance = Math.Abs(candidate) * b * _t - _variance;
            if (ExactBernoulli.ExpMinus(distance * distance, denominator, stream)) return candidate;
        }
    }

    /// <summary>Adds one draw to each value.</summary>
    public void AddInPlace(Span<long> values, NoiseStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        for (var i = 0; i < values.Length; i++) values[i] = checked(values[i] + Sample(stream));
    }
}
