using Comity.Transport.Encodings;

namespace Comity.Transport.Tests;

public sealed class EncodingTests
{
    private static float[] There(float[] values, NumberFormat format)
    {
        var bytes = new byte[values.Length * TensorEncoding.BytesPerNumber(format)];
        TensorEncoding.Encode(values, format, bytes);
        var back = new float[values.Length];
        TensorEncoding.Decode(bytes, format, back);
        return back;
    }

    private static readonly float[] Special = [0f, -0f, 1f, -1f, float.MaxValue, float.Epsilon, float.PositiveInfinity, float.NegativeInfinity, float.NaN];

    [Fact]
    public void Float32_keeps_every_bit() =>
        Assert.Equal(Special.Select(BitConverter.SingleToUInt32Bits), There(Special, NumberFormat.Float32).Select(BitConverter.SingleToUInt32Bits));

    [Fact]
    public void Float32_is_little_endian()
    {
        var bytes = new byte[4];
        TensorEncoding.Encode([1f], NumberFormat.Float32, bytes);
        Assert.Equal([0, 0, 0x80, 0x3F], bytes);
    }

    [Fact]
    public void Bfloat16_rounds_to_the_nearest_and_ties_to_even()
    {
        var random = new Random(3);
        for (var i = 0; i < 10_000; i++)
        {
            var value = BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32));
            if (!float.IsFinite(value) || Math.Abs(value) > 1e38f) continue;

            // The oracle looks at both neighbours with a zero low half.
            var down = BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000;
            var (low, high) = (BitConverter.UInt32BitsToSingle(down), BitConverter.UInt32BitsToSingle(down + 0x10000));
            var (toLow, toHigh) = (Math.Abs((double)value - low), Math.Abs((double)high - value));
            var expected = toLow < toHigh ? low : toLow > toHigh ? high : (down >> 16 & 1) == 0 ? low : high;
            Assert.Equal(expected, There([value], NumberFormat.BFloat16)[0]);
        }
        Assert.True(float.IsNaN(There([BitConverter.UInt32BitsToSingle(0x7F800001)], NumberFormat.BFloat16)[0]));
        Assert.Equal(float.PositiveInfinity, There([float.PositiveInfinity], NumberFormat.BFloat16)[0]);
    }

    [Fact]
    public void Float16_agrees_with_the_platform_and_refuses_what_it_cannot_hold()
    {
        Assert.Equal((float)(Half)0.1f, There([0.1f], NumberFormat.Float16)[0]);
        Assert.Equal(65504f, There([65504f], NumberFormat.Float16)[0]);
        Assert.True(float.IsNaN(There([float.NaN], NumberFormat.Float16)[0]));
        Assert.Throws<ArgumentException>(() => There([70000f], NumberFormat.Float16));
    }

    [Fact]
    public void A_buffer_of_another_size_is_refused()
    {
        Assert.Throws<ArgumentException>(() => TensorEncoding.Encode([1f], NumberFormat.Float32, new byte[5]));
        Assert.Throws<ArgumentException>(() => TensorEncoding.Decode(new byte[3], NumberFormat.BFloat16, new float[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => TensorEncoding.BytesPerNumber((NumberFormat)9));
    }
}
