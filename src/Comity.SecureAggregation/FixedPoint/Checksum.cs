namespace Comity.SecureAggregation.FixedPoint;

/// <summary>A linear checksum that is masked and summed with the vector: the sum's checksum must be the sum of the checksums.</summary>
/// <remarks>It tells the coordinator that every mask came off. Being a linear function of the sum, it tells nothing else.</remarks>
internal static class Checksum
{
    public static uint Of(ReadOnlySpan<uint> words)
    {
        var sum = 0u;
        for (var i = 0; i < words.Length; i++) sum = unchecked(sum + words[i] * Weight((uint)i));
        return sum;
    }

    // Odd, and without pattern over the index (the finaliser of MurmurHash3, Appleby 2011).
    private static uint Weight(uint index)
    {
        unchecked
        {
            index = (index ^ index >> 16) * 0x85EBCA6B;
            index = (index ^ index >> 13) * 0xC2B2AE35;
            return (index ^ index >> 16) | 1;
        }
    }
}
