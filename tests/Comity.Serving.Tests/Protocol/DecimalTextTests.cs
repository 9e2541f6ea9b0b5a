using System.Globalization;
using System.Text;
using Comity.Serving.Protocol;
using Comity.Tensors.Randomness;

namespace Comity.Serving.Tests.Protocol;

public sealed class DecimalTextTests
{
    [Fact]
    public void Numbers_read_quickly_are_the_ones_that_the_platform_reads_bit_for_bit()
    {
        var random = Seed.Of(11).ToRandom();
        for (var i = 0; i < 200_000; i++)
        {
            var digits = Math.Abs(random.NextGaussian()) * Math.Pow(10, (random.NextDouble() * 24) - 12);
            var text = (i % 4) switch
            {
                0 => (-digits).ToString($"F{(int)(random.NextDouble() * 16)}", CultureInfo.InvariantCulture),
                1 => digits.ToString("R", CultureInfo.InvariantCulture),
                2 => ((long)digits).ToString(CultureInfo.InvariantCulture),
                _ => digits.ToString("E8", CultureInfo.InvariantCulture),
            };
            var bytes = Encoding.UTF8.GetBytes(text);

            Assert.Equal(BitConverter.DoubleToInt64Bits(double.Parse(text, CultureInfo.InvariantCulture)), BitConverter.DoubleToInt64Bits(DecimalText.Double(bytes)));
            Assert.Equal(BitConverter.SingleToInt32Bits(float.Parse(text, CultureInfo.InvariantCulture)), BitConverter.SingleToInt32Bits(DecimalText.Single(bytes)));
        }
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-0")]
    [InlineData("-0.0")]
    [InlineData("9007199254740993")] // 2⁵³ + 1: between two doubles
    [InlineData("16777217")] // 2²⁴ + 1: between two floats
    [InlineData("0.000000000000000000000001")]
    [InlineData("1e999")]
    [InlineData("-123456789012345678901234567890")]
    [InlineData("1.7976931348623157E+308")]
    public void Numbers_at_the_edges_too(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Assert.Equal(BitConverter.DoubleToInt64Bits(double.Parse(text, CultureInfo.InvariantCulture)), BitConverter.DoubleToInt64Bits(DecimalText.Double(bytes)));
        Assert.Equal(BitConverter.SingleToInt32Bits(float.Parse(text, CultureInfo.InvariantCulture)), BitConverter.SingleToInt32Bits(DecimalText.Single(bytes)));
    }
}
