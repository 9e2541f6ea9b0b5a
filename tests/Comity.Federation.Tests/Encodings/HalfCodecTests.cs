using System.Runtime.InteropServices;
using Comity.Federation.Rounds;
using Comity.Tensors.Randomness;

namespace Comity.Federation.Tests.Encodings;

public sealed class HalfCodecTests
{
    [Fact]
    public void Bf16_rounds_to_the_nearest_and_ties_to_even()
    {
        var random = Seed.Of(3).ToRandom();
        var values = Enumerable.Range(0, 20_000).Select(i => BitConverter.UInt32BitsToSingle(((uint)random.NextInt32(1 << 16) << 16) | (i % 3 == 0 ? 0x8000u : (uint)random.NextInt32(1 << 16))))
            .Where(v => float.IsFinite(v) && Math.Abs(v) < 1e38f).ToArray();

        var there = Encoded.Of("bf16", values.Length).There(values);

        for (var i = 0; i < values.Length; i++)
        {
            // The oracle looks at both neighbours with a zero lower half.
            var down = BitConverter.SingleToUInt32Bits(values[i]) & 0xFFFF0000;
            var (low, high) = (BitConverter.UInt32BitsToSingle(down), BitConverter.UInt32BitsToSingle(down + 0x10000));
            var (toLow, toHigh) = (Math.Abs((double)values[i] - low), Math.Abs((double)high - values[i]));
            Assert.Equal(toLow < toHigh ? low : toLow > toHigh ? high : (down >> 16 & 1) == 0 ? low : high, there[i]);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(33)]
    [InlineData(20_001)]
    public void Fp16_agrees_with_the_platforms_half(int length)
    {
        var values = Encoded.Values(length);
        Assert.Equal(values.Select(v => (float)(Half)v), Encoded.Of("fp16", length).There(values));
        Assert.Equal((length + 1) / 2, Encoded.Of("fp16", length).PackedLength);
    }

    [Fact]
    public void The_first_value_lies_in_the_lower_half_of_a_little_endian_word()
    {
        Assert.Equal(new byte[] { 0x80, 0x3F, 0x00, 0xC0, 0x40, 0x40, 0, 0 }, MemoryMarshal.AsBytes<float>(Encoded.Of("bf16", 3).Pack([1, -2, 3])).ToArray());
        Assert.Equal(new byte[] { 0x00, 0x3C, 0x00, 0xC0 }, MemoryMarshal.AsBytes<float>(Encoded.Of("fp16", 2).Pack([1, -2])).ToArray());
    }

    [Theory]
    [InlineData("bf16", 3.3e38f, null)]
    [InlineData("fp16", 65519f, null)]
    [InlineData("fp16", 65520f, RefusalReason.EncodingOverflow)]
    [InlineData("fp16", -1e9f, RefusalReason.EncodingOverflow)]
    public void What_an_encoding_cannot_hold_is_refused_by_name(string updates, float value, string? refusal)
    {
        var encoding = Encoded.Of(updates, 40);
        Assert.Equal(refusal, encoding.Encode([.. Enumerable.Repeat(1f, 39), value], new float[encoding.PackedLength]));
    }

    [Fact]
    public void A_NaN_stays_one_so_that_the_gate_can_name_it()
    {
        // Of the payload of this one rounding would make infinity.
        var encoding = Encoded.Of("bf16", 40);
        var values = new float[40];
        Array.Fill(values, BitConverter.UInt32BitsToSingle(0x7F800001));
        Assert.All(encoding.There(values), v => Assert.True(float.IsNaN(v)));
    }
}
