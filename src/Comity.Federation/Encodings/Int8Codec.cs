using System.Runtime.InteropServices;
using Comity.Federation.Rounds;

namespace Comity.Federation.Encodings;

/// <summary>Whole numbers from −127 to 127 with one scale for every 256 values.</summary>
/// <remarks>
/// <code>
/// block = scale f32 | q i8 × 256        value = q · scale, scale = largest |value| / 127
/// </code>
/// Rounding is to the nearest, ties to even: what it loses the site adds to its next update (Seide et al. 2014; Karimireddy et al. 2019, arXiv:1901.09847),
/// which random rounding would do in expectation only.
/// </remarks>
internal sealed class Int8Codec : UpdateCodec
{
    private const int Block = 256;
    private const int Largest = 127;

    public override int BlockValues => Block;

    public override bool HasFeedback => true;

    public override int PackedLength(int values)
    {
        var (whole, rest) = Math.DivRem(values, Block);
        return (whole * (1 + (Block / 4))) + (rest == 0 ? 0 : 1 + ((rest + 3) / 4));
    }

    public override string? Encode(ReadOnlySpan<float> values, Span<float> packed)
    {
        while (!values.IsEmpty)
        {
            var block = values[..Math.Min(Block, values.Length)];
            var length = PackedLength(block.Length);
            EncodeBlock(block, packed[..length]);
            values = values[block.Length..];
            packed = packed[length..];
        }
        return null;
    }

    public override string? Decode(ReadOnlySpan<float> packed, Span<float> values)
    {
        while (!values.IsEmpty)
        {
            var block = values[..Math.Min(Block, values.Length)];
            var length = PackedLength(block.Length);
            if (!IsSound(packed[..length], block.Length)) return RefusalReason.MalformedEncoding;
            var scale = packed[0];
            var steps = MemoryMarshal.Cast<float, sbyte>(packed[1..length]);
            for (var i = 0; i < block.Length; i++) block[i] = steps[i] * scale;
            values = values[block.Length..];
            packed = packed[length..];
        }
        return null;
    }

    private static void EncodeBlock(ReadOnlySpan<float> values, Span<float> packed)
    {
        packed.Clear();
        var largest = 0f;
        foreach (var value in values) largest = Math.Max(largest, Math.Abs(value));
        var scale = packed[0] = largest / Largest;
        if (scale == 0) return; // nothing, or less than the smallest scale that there is
        var steps = MemoryMarshal.Cast<float, sbyte>(packed[1..]);
        // A scale that is itself rounded can put the largest value a step further.
        for (var i = 0; i < values.Length; i++) steps[i] = (sbyte)Math.Clamp(MathF.Round(values[i] / scale), -Largest, Largest);
    }

    // What no encoder writes: −128, steps without a scale, bits behind the last value.
    private static bool IsSound(ReadOnlySpan<float> packed, int values)
    {
        var scale = packed[0];
        var steps = MemoryMarshal.Cast<float, sbyte>(packed[1..]);
        if (!(scale >= 0 && float.IsFinite(scale)) || steps[..values].Contains(sbyte.MinValue)) return false;
        return !(scale == 0 ? steps : steps[values..]).ContainsAnyExcept((sbyte)0);
    }
}
