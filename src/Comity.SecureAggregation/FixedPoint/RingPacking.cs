namespace Comity.SecureAggregation.FixedPoint;

/// <summary>Words of b bits side by side, lowest bit first, so that a masked vector costs b bits a value on the wire.</summary>
internal static class RingPacking
{
    public static int PackedBytes(int words, int bits) => (int)(((long)words * bits + 7) / 8);

    public static byte[] Pack(ReadOnlySpan<uint> words, int bits)
    {
        var packed = new byte[PackedBytes(words.Length, bits)];
        var mask = uint.MaxValue >> (32 - bits);
        var (buffer, filled, at) = (0UL, 0, 0);
        foreach (var word in words)
        {
            buffer |= (ulong)(word & mask) << filled;
            for (filled += bits; filled >= 8; filled -= 8, buffer >>= 8) packed[at++] = (byte)buffer;
        }
        if (filled > 0) packed[at] = (byte)buffer;
        return packed;
    }

    /// <summary>Adds the packed words to a sum, modulo 2³².</summary>
    public static void AddTo(Span<uint> sum, ReadOnlySpan<byte> packed, int bits)
    {
        var mask = uint.MaxValue >> (32 - bits);
        var (buffer, filled, at) = (0UL, 0, 0);
        for (var i = 0; i < sum.Length; i++)
        {
            for (; filled < bits; filled += 8) buffer |= (ulong)packed[at++] << filled;
            sum[i] = unchecked(sum[i] + ((uint)buffer & mask));
            buffer >>= bits;
            filled -= bits;
        }
    }
}
