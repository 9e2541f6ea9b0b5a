using System.Numerics;

namespace Comity.SecureAggregation.FixedPoint;

/// <summary>A linear checksum that is masked and summed with the vector: the sum's checksum must be the sum of the checksums.</summary>
/// <remarks>It tells the coordinator that every mask came off. Being a linear function of the sum, it tells nothing else.</remarks>
internal static class Checksum
{
    /// <summary>The checksum of a vector, or what a chunk of it adds.</summary>
    /// <param name="words">The words.</param>
    /// <param name="offset">Place of the first one in the vector.</param>
    public static uint Of(ReadOnlySpan<uint> words, int offset = 0)
    {
        var (sum, i) = (0u, 0);
        if (words.Length >= Vector<uint>.Count)
        {
            var (sums, index) = (Vector<uint>.Zero, Vector<uint>.Indices + new Vector<uint>((uint)offset));
            var step = new Vector<uint>((uint)Vector<uint>.Count);
            for (; i <= words.Length - Vector<uint>.Count; i += Vector<uint>.Count, index += step) sums += new Vector<uint>(words[i..]) * Weight(index);
            sum = Vector.Sum(sums);
        }
        for (; i < words.Length; i++) sum = unchecked(sum + words[i] * Weight(new Vector<uint>((uint)(offset + i)))[0]);
        return sum;
    }

    // Odd, and without pattern over the index (the finaliser of MurmurHash3, Appleby 2011).
    private static Vector<uint> Weight(Vector<uint> index)
    {
        index = (index ^ (index >> 16)) * 0x85EBCA6Bu;
        index = (index ^ (index >> 13)) * 0xC2B2AE35u;
        return (index ^ (index >> 16)) | Vector<uint>.One;
    }
}
