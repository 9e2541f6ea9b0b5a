using System.Buffers;
using System.Runtime.InteropServices;
using Comity.Federation.Rounds;

namespace Comity.Federation.Encodings;

/// <summary>Of every 65,536 values those that are largest by magnitude, with their places; the rest waits at the site.</summary>
/// <remarks>
/// <code>
/// block = value f32 × k | place u16 × k (ascending) | padding        k = ⌈fraction · values⌉
/// </code>
/// Alistarh et al. 2018 (arXiv:1809.10505) with what was left out added to the next update. Taken of each block, not of the whole vector, the error
/// is contracted by the same share 1 − k/n, places take two bytes, and any slice is found without reading the rest.
/// </remarks>
internal sealed class TopKCodec(double fraction) : UpdateCodec
{
    private const int Block = VectorEncoding.MostValues;

    public override int BlockValues => Block;

    public override bool HasFeedback => true;

    public override int PackedLength(int values)
    {
        var (whole, rest) = Math.DivRem(values, Block);
        return checked((whole * Packed(Kept(Block))) + (rest == 0 ? 0 : Packed(Kept(rest))));
    }

    public override string? Encode(ReadOnlySpan<float> values, Span<float> packed)
    {
        while (!values.IsEmpty)
        {
            var block = values[..Math.Min(Block, values.Length)];
            var kept = Kept(block.Length);
            EncodeBlock(block, packed[..kept], MemoryMarshal.Cast<float, ushort>(packed[kept..Packed(kept)]));
            values = values[block.Length..];
            packed = packed[Packed(kept)..];
        }
        return null;
    }

    public override string? Decode(ReadOnlySpan<float> packed, Span<float> values)
    {
        values.Clear();
        while (!values.IsEmpty)
        {
            var block = values[..Math.Min(Block, values.Length)];
            var kept = Kept(block.Length);
            var places = MemoryMarshal.Cast<float, ushort>(packed[kept..Packed(kept)]);
            var before = -1;
            for (var i = 0; i < kept; i++)
            {
                if (places[i] <= before || places[i] >= block.Length) return RefusalReason.MalformedEncoding;
                block[before = places[i]] = packed[i];
            }
            if (places[kept..].ContainsAnyExcept((ushort)0)) return RefusalReason.MalformedEncoding;
            values = values[block.Length..];
            packed = packed[Packed(kept)..];
        }
        return null;
    }

    private int Kept(int values) => Math.Clamp((int)Math.Ceiling((fraction * values) - 1e-9), 1, values);

    private static int Packed(int kept) => kept + ((kept + 1) / 2);

    private static void EncodeBlock(ReadOnlySpan<float> values, Span<float> kept, Span<ushort> places)
    {
        places.Clear();
        var (least, ties) = Select(values, kept.Length);
        var at = 0;
        for (var i = 0; at < kept.Length; i++)
        {
            var magnitude = Magnitude(values[i]);
            // Of equal magnitudes the first ones.
            if (magnitude < least || (magnitude == least && ties-- <= 0)) continue;
            (kept[at], places[at]) = (values[i], (ushort)i);
            at++;
        }
    }

    // The k-th largest magnitude and how many of that very magnitude are among the k: counted by the upper bits, then by the lower ones.
    private static (uint Least, int Ties) Select(ReadOnlySpan<float> values, int k)
    {
        const int bins = 1 << 16;
        var counts = ArrayPool<int>.Shared.Rent(bins);
        try
        {
            Array.Clear(counts, 0, bins);
            foreach (var value in values) counts[Magnitude(value) >> 15]++;
            var upper = Descend(counts, ref k);
            Array.Clear(counts, 0, bins);
            foreach (var value in values)
            {
                if (Magnitude(value) >> 15 == upper) counts[Magnitude(value) & 0x7FFF]++;
            }
            var lower = Descend(counts, ref k);
            return ((upper << 15) | lower, k);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(counts);
        }

        static uint Descend(int[] counts, ref int k)
        {
            var bin = bins - 1;
            for (; counts[bin] < k; bin--) k -= counts[bin];
            return (uint)bin;
        }
    }

    // Of finite numbers without their sign the order is that of their bits.
    private static uint Magnitude(float value) => BitConverter.SingleToUInt32Bits(value) & 0x7FFFFFFF;
}
