using Comity.Privacy.Numerics;

namespace Comity.Privacy.Tests.Numerics;

public sealed class NumericsTests
{
    // GNU C library's erfc, correctly rounded to within one unit in the last place.
    [Theory]
    [InlineData(-3, 1.9999779095030015)]
    [InlineData(-0.3, 1.3286267594591274)]
    [InlineData(0.1, 0.8875370839817152)]
    [InlineData(0.5, 0.4795001221869535)]
    [InlineData(1, 0.15729920705028513)]
    [InlineData(2.5, 0.00040695201744495897)]
    [InlineData(4, 1.541725790028002e-08)]
    [InlineData(4.5, 1.9661604415428873e-10)]
    [InlineData(10, 2.088487583762545e-45)]
    [InlineData(26, 5.663192408856143e-296)]
    public void Erfc_agrees_with_an_independent_implementation(double x, double expected)
    {
        Assert.Equal(1, ErrorFunction.Erfc(x) / expected, 2e-14);
        Assert.Equal(Math.Log(expected), ErrorFunction.LogErfc(x), 2e-14 * Math.Max(1, Math.Abs(Math.Log(expected))));
    }

    [Fact]
    public void Log_erfc_follows_its_asymptotic_series_far_out()
    {
        const double X = 1e4;
        Assert.Equal(-X * X - Math.Log(X * Math.Sqrt(Math.PI)) - 1 / (2 * X * X), ErrorFunction.LogErfc(X), 1e-7);
        Assert.True(double.IsNaN(ErrorFunction.Erfc(double.NaN)));
    }

    [Theory]
    [InlineData(1e-12)]
    [InlineData(-1e-9)]
    [InlineData(0.3)]
    [InlineData(-0.45)]
    public void Small_arguments_keep_their_digits(double x)
    {
        var series = x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6 * (1 + x / 7 * (1 + x / 8 * (1 + x / 9 * (1 + x / 10 * (1 + x / 11 * (1 + x / 12)))))))))));
        Assert.Equal(1, Precise.ExpMinusOne(x) / series, 1e-13);
        Assert.Equal(1, Precise.LogOnePlus(Precise.ExpMinusOne(x)) / x, 1e-13);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    [InlineData(64)]
    public void The_fast_transform_equals_the_plain_sum(int length)
    {
        var random = new Random(11);
        var re = Enumerable.Range(0, length).Select(_ => random.NextDouble() - 0.5).ToArray();
        var im = Enumerable.Range(0, length).Select(_ => random.NextDouble() - 0.5).ToArray();
        var (fastRe, fastIm) = ((double[])re.Clone(), (double[])im.Clone());
        var transform = new FourierTransform(length);

        transform.Forward(fastRe, fastIm);

        for (var k = 0; k < length; k++)
        {
            var (sumRe, sumIm) = (0.0, 0.0);
            for (var j = 0; j < length; j++)
            {
                var (sin, cos) = Math.SinCos(-2 * Math.PI * j * k / length);
                sumRe += re[j] * cos - im[j] * sin;
                sumIm += re[j] * sin + im[j] * cos;
            }
            Assert.Equal(sumRe, fastRe[k], 1e-13 * length);
            Assert.Equal(sumIm, fastIm[k], 1e-13 * length);
        }

        transform.Inverse(fastRe, fastIm);
        for (var j = 0; j < length; j++)
        {
            Assert.Equal(re[j], fastRe[j], 1e-15 * length);
            Assert.Equal(im[j], fastIm[j], 1e-15 * length);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(12)]
    public void A_length_that_is_no_power_of_two_is_refused(int length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new FourierTransform(length));
}
