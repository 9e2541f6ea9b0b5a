using System.Runtime.InteropServices;
using Comity.Federation.Rounds;

namespace Comity.Federation.Tests.Encodings;

public sealed class Int8CodecTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(258)]
    [InlineData(70_001)]
    public void Each_block_is_the_slow_twins_to_the_bit_and_half_a_step_off_at_most(int length)
    {
        var values = Encoded.Values(length);
        var encoding = Encoded.Of("int8", length);
        var there = encoding.There(values);
        Assert.Equal(((length + 255) / 256) + (length / 256 * 64) + (((length % 256) + 3) / 4), encoding.PackedLength);
        for (var block = 0; block < length; block += 256)
        {
            var own = values.Skip(block).Take(256).ToArray();
            var scale = own.Max(Math.Abs) / 127;
            for (var i = 0; i < own.Length; i++)
            {
                var steps = Math.Round((double)(own[i] / scale), MidpointRounding.ToEven);
                Assert.Equal((float)(scale == 0 ? 0 : steps * scale), there[block + i]);
                Assert.InRange(Math.Abs((double)there[block + i] - own[i]), 0, scale * 0.5001);
            }
        }
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-45f)]
    [InlineData(1.2e-40f)]
    [InlineData(3e-38f)]
    public void Nothing_and_next_to_nothing_stay_so(float value)
    {
        float[] values = [value, -value, 0];
        Assert.All(Encoded.Of("int8", 3).There(values).Zip(values), v => Assert.InRange(v.First, Math.Min(0, 1.01f * v.Second), Math.Max(0, 1.01f * v.Second)));
    }

    [Theory]
    [InlineData("scale", float.NaN)]
    [InlineData("scale", float.PositiveInfinity)]
    [InlineData("scale", -1f)]
    [InlineData("scale", 0f)]
    [InlineData("step", -128)]
    [InlineData("padding", 1)]
    public void Bits_that_no_encoder_writes_are_refused_by_name(string what, float bad)
    {
        var encoding = Encoded.Of("int8", 513);
        var packed = encoding.Pack(Encoded.Values(513));
        if (what == "scale") packed[65] = bad;
        if (what == "step") MemoryMarshal.Cast<float, sbyte>(packed.AsSpan(66))[200] = (sbyte)bad;
        if (what == "padding") MemoryMarshal.AsBytes(packed.AsSpan())[^1] = (byte)bad;
        Assert.Equal(RefusalReason.MalformedEncoding, encoding.Decode(packed, new float[513]));
        Assert.Equal(RefusalReason.MalformedEncoding, Federation.Encodings.EncodedGate.Judge(encoding, packed, null).Refusal);
    }
}
