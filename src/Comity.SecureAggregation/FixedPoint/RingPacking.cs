using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Comity.SecureAggregation.FixedPoint;

/// <summary>Words of b bits side by side, lowest bit first, so that a masked vector costs b bits a value on the wire.</summary>
internal static class RingPacking
{
    public static int PackedBytes(int words, int bits) => (int)(((long)words * bits + 7) / 8);

    /// <summary>Packs words; a chunk of a longer vector must begin at a multiple of 8 words.</summary>
    public static void Pack(ReadOnlySpan<uint> words, int bits, Span<byte> packed)
    {
        if (bits == 32 && BitConverter.IsLittleEndian)
        {
            MemoryMarshal.AsBytes(words).CopyTo(packed);
            return;
        }
        var mask = uint.MaxValue >> (32 - bits);
        var (buffer, filled, at) = (0UL, 0, 0);
        foreach (var word in words)
        {
            buffer |= (ulong)(word & mask) << filled;
            filled += bits;
            if (filled < 32) continue;
            BinaryPrimitives.WriteUInt32LittleEndian(packed[at..], (uint)buffer);
            at += 4;
            buffer >>= 32;
            filled -= 32;
        }
        for (; filled > 0; filled -= 8, buffer >>= 8) packed[at++] = (byte)buffer;
    }

    public static byte[] Pack(ReadOnlySpan<uint> words, int bits)
    {
        var packed = new byte[PackedBytes(words.Length, bits)];
        Pack(words, bits, packed);
        return packed;
    }

    /// <summary>Adds the packed words to a sum, modulo 2³².</summary>
    public static void AddTo(Span<uint> sum, ReadOnlySpan<byte> packed, int bits)
    {
        var mask = uint.MaxValue >> (32 - bits);
        var i = 0;
        // A word and the bits before it in its first byte are at most 39 bits.
        for (; i < sum.Length; i++)
        {
            var bit = (long)i * bits;
            var at = (int)(bit >> 3);
            if (at + sizeof(ulong) > packed.Length) break;
            sum[i] = unchecked(sum[i] + ((uint)(BinaryPrimitives.ReadUInt64LittleEndian(packed[at..]) >> (int)(bit & 7)) & mask));
        }
        Span<byte> last = stackalloc byte[2 * sizeof(ulong)];
        for (; i < sum.Length; i++)
        {
            var bit = (long)i * bits;
            last.Clear();
            packed[(int)(bit >> 3)..].CopyTo(last);
            sum[i] = unchecked(sum[i] + ((uint)(BinaryPrimitives.ReadUInt64LittleEndian(last) >> (int)(bit & 7)) & mask));
        }
    }
}
