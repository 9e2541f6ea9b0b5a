using System.Numerics;

namespace Comity.Federation.Masking;

/// <summary>A weighted number of wide range as a few words of a narrow ring: 63 bits in limbs that are so short that no sum of a limb wraps.</summary>
/// <remarks>Values beyond ±2²⁰ count as ±2²⁰: it carries losses, where a mean that far out says no more than that.</remarks>
internal sealed class WideScalar
{
    private const int LargestBits = 20, ValueBits = 62;
    private const long Offset = 1L << ValueBits;

    private readonly int _limbBits;
    private readonly double _scale;

    /// <param name="bits">b of the ring.</param>
    /// <param name="sites">Most sites in a sum.</param>
    /// <param name="largestWeight">Largest weight.</param>
    public WideScalar(int bits, int sites, long largestWeight)
    {
        _limbBits = bits - (32 - BitOperations.LeadingZeroCount((uint)sites));
        if (_limbBits < 1) throw new ArgumentException($"The sum of {sites} sites leaves no room in {bits} bits.", nameof(bits));
        Words = (ValueBits + 1 + _limbBits - 1) / _limbBits;
        // |value · weight · scale| stays below 2⁶¹.
        _scale = Math.ScaleB(1, ValueBits - 1 - LargestBits - (64 - BitOperations.LeadingZeroCount((ulong)largestWeight)));
    }

    /// <summary>Words that a number takes.</summary>
    public int Words { get; }

    public void Write(double value, long weight, Span<uint> words)
    {
        var largest = Math.ScaleB(1, LargestBits);
        var whole = (ulong)((long)Math.Round(Math.Clamp(value, -largest, largest) * weight * _scale) + Offset);
        for (var i = 0; i < Words; i++) words[i] = (uint)(whole >> (i * _limbBits) & ((1UL << _limbBits) - 1));
    }

    /// <summary>Σ value · weight, from the sums of the words.</summary>
    public double Read(ReadOnlySpan<uint> words, int contributors)
    {
        Int128 whole = 0;
        for (var i = 0; i < Words; i++) whole += (Int128)words[i] << (i * _limbBits);
        return (double)(whole - ((Int128)contributors * Offset)) / _scale;
    }
}
