using System.Numerics;

namespace Comity.SecureAggregation.FixedPoint;

/// <summary>Weighted values as whole numbers modulo 2ᵇ, with b chosen so that the sum over all sites can't wrap.</summary>
/// <remarks>
/// A site sends weight·value/maximalWeight in steps of the resolution, and its weight beside them, so that the mean needs nothing
/// that is not under the mask. A value outside the clip is refused, never clamped or wrapped: what it would do to the sum is silent otherwise.
/// </remarks>
public sealed class FixedPointEncoding
{
    /// <summary>The widest ring: its words add with plain 32-bit arithmetic.</summary>
    public const int MaximalBits = 32;

    private FixedPointEncoding(double clip, long maximalWeight, int sites, double step, int bits) =>
        (Clip, MaximalWeight, Sites, Step, Bits) = (clip, maximalWeight, sites, step, bits);

    /// <summary>Largest absolute value a coordinate may have.</summary>
    public double Clip { get; }

    /// <summary>Largest weight a site may have, in whole units such as rows.</summary>
    public long MaximalWeight { get; }

    /// <summary>Most sites whose sum still fits.</summary>
    public int Sites { get; }

    /// <summary>Distance of two values that can be told apart.</summary>
    public double Step { get; }

    /// <summary>b: numbers are modulo 2ᵇ.</summary>
    public int Bits { get; }

    /// <summary>Chooses the smallest modulus in which neither the values nor the weights of all sites together can wrap.</summary>
    /// <param name="clip">Largest absolute value of a coordinate, positive.</param>
    /// <param name="maximalWeight">Largest weight of a site, positive; 1 for equal weights.</param>
    /// <param name="sites">Number of sites, at least 1.</param>
    /// <param name="resolution">Wished distance of two values, positive; the step is the largest power of two times the clip that is not above it.</param>
    /// <exception cref="ArgumentException">No modulus of at most 32 bits is enough; says which resolution or weight would fit.</exception>
    public static FixedPointEncoding Choose(double clip, long maximalWeight, int sites, double resolution)
    {
        if (!(clip > 0 && double.IsFinite(clip))) throw new ArgumentOutOfRangeException(nameof(clip), clip, "Clip must be positive and finite.");
        if (!(resolution > 0 && double.IsFinite(resolution))) throw new ArgumentOutOfRangeException(nameof(resolution), resolution, "Resolution must be positive and finite.");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximalWeight);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sites);

        var fractionBits = Math.Max(0, (int)Math.Ceiling(Math.Log2(clip / resolution)));
        var valueBits = 1 + BitLength((BigInteger)sites << fractionBits);
        var weightBits = BitLength((BigInteger)sites * maximalWeight);
        if (valueBits > MaximalBits)
        {
            var finest = clip / Math.Pow(2, fractionBits - (valueBits - MaximalBits));
            throw new ArgumentException($"The sum of {sites} sites needs {valueBits} bits, {MaximalBits} are there. A resolution of {finest:R} fits.", nameof(resolution));
        }
        if (weightBits > MaximalBits)
            throw new ArgumentException($"The weights of {sites} sites need {weightBits} bits, {MaximalBits} are there. Count in units of {1L << (weightBits - MaximalBits)} rows.", nameof(maximalWeight));
        return new(clip, maximalWeight, sites, clip / Math.Pow(2, fractionBits), Math.Max(valueBits, weightBits));
    }

    /// <summary>The finest resolution whose sum over all sites still fits 32 bits.</summary>
    /// <param name="clip">Largest absolute value of a coordinate, positive.</param>
    /// <param name="maximalWeight">Largest weight of a site, positive; 1 for equal weights.</param>
    /// <param name="sites">Number of sites, at least 1.</param>
    /// <exception cref="ArgumentException">The weights alone need more than 32 bits.</exception>
    public static FixedPointEncoding Finest(double clip, long maximalWeight, int sites)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sites);
        return Choose(clip, maximalWeight, sites, clip / Math.Pow(2, MaximalBits - 1 - BitLength(sites)));
    }

    /// <summary>Encodes values as they enter the sum, without the weight.</summary>
    /// <param name="values">Each within the clip.</param>
    /// <param name="weight">The site's weight, from 1 to the maximal weight.</param>
    /// <param name="words">As long as the values; overwritten.</param>
    /// <exception cref="ArgumentException">A value is NaN or outside the clip: its index is named, nothing is wrapped.</exception>
    public void Encode(ReadOnlySpan<float> values, long weight, Span<uint> words)
    {
        if (weight < 1 || weight > MaximalWeight)
            throw new ArgumentOutOfRangeException(nameof(weight), weight, $"Must lie between 1 and {MaximalWeight}.");
        var factor = (double)weight / MaximalWeight / Step;
        for (var i = 0; i < values.Length; i++)
        {
            if (!(Math.Abs(values[i]) <= Clip)) // this form also rejects NaN
                throw new ArgumentException($"Value {i} is not within ±{Clip:R}; clip the update before it is masked.", nameof(values));
            words[i] = unchecked((uint)(long)Math.Round(values[i] * factor)) & Mask;
        }
    }

    /// <summary>Sums of values from sums of words.</summary>
    /// <param name="sum">Words, modulo 2ᵇ.</param>
    /// <param name="divisor">What the sum is divided by: the summed weight for a weighted mean; the maximal weight for a plain sum of values that were encoded with it.</param>
    /// <param name="values">As long as the words; overwritten. May be the same memory as the words.</param>
    public void Decode(ReadOnlySpan<uint> sum, double divisor, Span<float> values)
    {
        var factor = Step * MaximalWeight / divisor;
        for (var i = 0; i < values.Length; i++) values[i] = (float)(Signed(sum[i]) * factor);
    }

    /// <summary>Encodes one site's values and, in front of them, its weight.</summary>
    /// <param name="values">Shape [P], each within the clip.</param>
    /// <param name="weight">The site's weight, from 1 to the maximal weight.</param>
    /// <exception cref="ArgumentException">A value is NaN or outside the clip: its index is named, nothing is wrapped.</exception>
    /// <returns>P + 1 words.</returns>
    public uint[] Encode(ReadOnlySpan<float> values, long weight)
    {
        var words = new uint[values.Length + 1];
        Encode(values, weight, words.AsSpan(1));
        words[0] = (uint)weight & Mask;
        return words;
    }

    /// <summary>The weighted mean from the sum of several sites' words.</summary>
    /// <param name="sum">P + 1 words, modulo 2ᵇ.</param>
    /// <param name="contributors">How many sites are in the sum.</param>
    /// <param name="mean">Shape [P]; overwritten.</param>
    /// <returns>The sum of the weights.</returns>
    public long DecodeMean(ReadOnlySpan<uint> sum, int contributors, Span<float> mean)
    {
        if (contributors < 1 || contributors > Sites) throw new ArgumentOutOfRangeException(nameof(contributors), contributors, $"Must lie between 1 and {Sites}.");
        if (sum.Length != mean.Length + 1) throw new ArgumentException("The mean must be one shorter than the sum.", nameof(mean));
        long weight = sum[0] & Mask;
        if (weight < contributors || weight > contributors * MaximalWeight)
            throw new ArgumentException($"The summed weight {weight} can't come from {contributors} sites.", nameof(sum));
        Decode(sum[1..], weight, mean);
        return weight;
    }

    /// <summary>A word as the signed number it stands for.</summary>
    public long Signed(uint word) => (long)((ulong)(word & Mask) << (64 - Bits)) >> (64 - Bits);

    private uint Mask => uint.MaxValue >> (32 - Bits);

    private static int BitLength(BigInteger value) => (int)value.GetBitLength();
}
