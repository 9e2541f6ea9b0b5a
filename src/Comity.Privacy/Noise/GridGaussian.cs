using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Comity.Privacy.Noise;

/// <summary>Adds Gaussian noise to a clipped sum, on a grid, so that the last bits of a float tell nothing.</summary>
/// <remarks>
/// <para>Adding floating-point noise as it comes leaks through the gaps between floats (Mironov 2012, "On significance of the least
/// significant bits for differential privacy"). Here sum and noise are rounded to multiples of g, a power of two, and added exactly.
/// As the rounded sum lies on the grid, round(noise) + sum = round(noise + sum): the released value is a function of
/// (rounded sum + real Gaussian) alone, so it costs exactly what the Gaussian mechanism costs (post-processing). This is
/// the argument of Google's "Secure noise generation" (differential-privacy library, 2020). The final conversion to float is post-processing too.</para>
/// <para>Rounding two neighbours may move each coordinate apart by g, so the sensitivity is C + g·√d, and σ is scaled to that. The real
/// Gaussian itself is drawn by Box and Muller 1958 (<see cref="NormalPairs"/>) from 53-bit uniforms: tails end at 8.57σ and the distribution function is off by less
/// than 1e-15, which adds as much to δ a coordinate (Balcer and Vadhan 2018, arXiv:1709.05396, on finite precision).</para>
/// </remarks>
public sealed class GridGaussian
{
    private const int PairsAtOnce = 512;
    private const int GridBitsBelowNoise = 24;
    private const double LargestExactInteger = 1L << 53;

    /// <param name="noiseMultiplier">z = σ / sensitivity, positive; what a <c>GaussianEvent</c> of this release carries.</param>
    /// <param name="clipNorm">C, the L2 norm that one unit can add to the sum, positive.</param>
    /// <param name="dimension">d, the length of the sum.</param>
    public GridGaussian(double noiseMultiplier, double clipNorm, int dimension)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension);
        var plain = Guard.Positive(noiseMultiplier) * Guard.Positive(clipNorm);
        Grid = Math.ScaleB(1, Math.ILogB(plain) - GridBitsBelowNoise);
        StandardDeviation = noiseMultiplier * (clipNorm + Grid * Math.Sqrt(dimension));
        Dimension = dimension;
    }

    /// <summary>g, the distance between two values that can be released.</summary>
    public double Grid { get; }

    /// <summary>σ = z·(C + g·√d), in parameter units.</summary>
    public double StandardDeviation { get; }

    /// <summary>d, the length of the sum.</summary>
    public int Dimension { get; }

    /// <summary>Adds the noise.</summary>
    /// <param name="sum">The clipped sum, shape [d]; overwritten.</param>
    /// <param name="stream">Where the noise comes from.</param>
    /// <exception cref="ArgumentException">The sum has another length, is not finite, or is too large for the grid (above 2²⁸·σ).</exception>
    public void AddInPlace(Span<float> sum, NoiseStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (sum.Length != Dimension) throw new ArgumentException($"The sum has {sum.Length} values; the noise was calibrated for {Dimension}.", nameof(sum));

        // Checked before the first draw: a refused sum must not have been half noised. The largest magnitude is NaN where any value is.
        if (!(Math.Abs(TensorPrimitives.MaxMagnitude<float>(sum)) < LargestExactInteger / 2 * Grid)) throw new ArgumentException("The sum is not finite or too large for the noise's grid.", nameof(sum));

        var scratch = ArrayPool<double>.Shared.Rent(2 * PairsAtOnce);
        try
        {
            for (var at = 0; at < sum.Length; at += 2 * PairsAtOnce)
            {
                var part = sum[at..Math.Min(sum.Length, at + 2 * PairsAtOnce)];
                var noise = scratch.AsSpan(0, 2 * PairsAtOnce);
                stream.Fill(MemoryMarshal.AsBytes(noise));
                NormalPairs.FromBits(noise);
                Add(part, noise[..part.Length]);
            }
        }
        finally
        {
            // The noise must not be found in memory later: sum minus noise is the secret.
            Array.Clear(scratch);
            ArrayPool<double>.Shared.Return(scratch);
        }
    }

    // (round(sum/g) + round(noise·σ/g))·g. The grid is a power of two, so dividing by it is exact.
    private void Add(Span<float> sum, ReadOnlySpan<double> noise)
    {
        Vector256<double> fine = Vector256.Create(1 / Grid), grid = Vector256.Create(Grid), scale = Vector256.Create(StandardDeviation / Grid);
        var i = 0;
        for (; i + 8 <= sum.Length; i += 8)
        {
            var (low, high) = Vector256.Widen(Vector256.Create<float>(sum[i..]));
            low = (Vector256.Round(low * fine) + Vector256.Round(Vector256.Create(noise[i..]) * scale)) * grid;
            high = (Vector256.Round(high * fine) + Vector256.Round(Vector256.Create(noise[(i + 4)..]) * scale)) * grid;
            Vector256.Narrow(low, high).CopyTo(sum[i..]);
        }
        for (; i < sum.Length; i++) sum[i] = (float)((Math.Round(sum[i] / Grid) + Math.Round(noise[i] * (StandardDeviation / Grid))) * Grid);
    }
}
