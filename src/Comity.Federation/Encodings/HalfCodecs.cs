using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Comity.Federation.Rounds;

namespace Comity.Federation.Encodings;

/// <summary>Two values to a word of 32 bits, the first in its lower half, rounded to the nearest with ties to even.</summary>
internal abstract class HalfCodec : UpdateCodec
{
    public override int BlockValues => 2;

    public override int PackedLength(int values) => (values / 2) + (values % 2);

    public override string? Encode(ReadOnlySpan<float> values, Span<float> packed)
    {
        var words = MemoryMarshal.Cast<float, ushort>(packed);
        words[^1] = 0;
        return Narrow(values, words[..values.Length]);
    }

    public override string? Decode(ReadOnlySpan<float> packed, Span<float> values)
    {
        var words = MemoryMarshal.Cast<float, ushort>(packed);
        Widen(words[..values.Length], values);
        return words.Length > values.Length && words[^1] != 0 ? RefusalReason.MalformedEncoding : null;
    }

    protected abstract string? Narrow(ReadOnlySpan<float> values, Span<ushort> words);

    protected abstract void Widen(ReadOnlySpan<ushort> words, Span<float> values);
}

/// <summary>The upper sixteen bits of each float.</summary>
internal sealed class Bfloat16Codec : HalfCodec
{
    protected override string? Narrow(ReadOnlySpan<float> values, Span<ushort> words)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var i = 0;
        for (; i <= bits.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
            Vector.Narrow(Round(new Vector<uint>(bits[i..])), Round(new Vector<uint>(bits[(i + Vector<uint>.Count)..]))).CopyTo(words[i..]);
        for (; i < bits.Length; i++) words[i] = Round(bits[i]);
        return null;
    }

    protected override void Widen(ReadOnlySpan<ushort> words, Span<float> values)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var i = 0;
        for (; i <= words.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(words[i..]), out var low, out var high);
            (low << 16).CopyTo(bits[i..]);
            (high << 16).CopyTo(bits[(i + Vector<uint>.Count)..]);
        }
        for (; i < words.Length; i++) bits[i] = (uint)words[i] << 16;
    }

    private static Vector<uint> Round(Vector<uint> bits)
    {
        var nearest = (bits + new Vector<uint>(0x7FFF) + ((bits >> 16) & Vector<uint>.One)) >> 16;
        // Rounding could carry a NaN's payload into infinity; the quiet bit keeps it one, so that the gate names it.
        var isNaN = Vector.GreaterThan(bits & new Vector<uint>(0x7FFFFFFF), new Vector<uint>(0x7F800000));
        return Vector.ConditionalSelect(isNaN, (bits >> 16) | new Vector<uint>(0x40), nearest);
    }

    private static ushort Round(uint bits) => (bits & 0x7FFFFFFF) > 0x7F800000 ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

/// <summary>IEEE 754 binary16. A value beyond 65504 is refused by name: it would arrive as infinity.</summary>
internal sealed class Float16Codec : HalfCodec
{
    private const ushort Infinity = 0x7C00;

    protected override string? Narrow(ReadOnlySpan<float> values, Span<ushort> words)
    {
        TensorPrimitives.ConvertToHalf(values, MemoryMarshal.Cast<ushort, Half>(words));
        foreach (var word in words)
        {
            if ((word & 0x7FFF) == Infinity) return RefusalReason.EncodingOverflow;
        }
        return null;
    }

    protected override void Widen(ReadOnlySpan<ushort> words, Span<float> values) => TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<ushort, Half>(words), values);
}
