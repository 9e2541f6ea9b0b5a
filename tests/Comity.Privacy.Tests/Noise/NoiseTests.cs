using System.Security.Cryptography;
using Comity.Privacy.Noise;

namespace Comity.Privacy.Tests.Noise;

/// <summary>Statistical tests on repeatable streams: thresholds lie where a right sampler fails with less than 1e-6, and a fixed key makes the outcome certain.</summary>
public sealed class NoiseTests
{
    private static NoiseStream Stream(byte name) => NoiseStream.Repeatable(Enumerable.Repeat(name, 32).ToArray());

    [Fact]
    public void The_stream_is_AES_in_counter_mode()
    {
        using var stream = Stream(1);
        var bytes = new byte[20_000];
        stream.Fill(bytes.AsSpan(0, 5));
        stream.Fill(bytes.AsSpan(5));

        // The oracle encrypts one counter at a time.
        using var aes = Aes.Create();
        aes.Key = Enumerable.Repeat((byte)1, 32).ToArray();
        foreach (var block in new[] { 0, 1, 511, 512, 1249 })
        {
            var counter = new byte[16];
            (counter[14], counter[15]) = ((byte)(block >> 8), (byte)block);
            Assert.Equal(aes.EncryptEcb(counter, PaddingMode.None), bytes.AsSpan(block * 16, 16).ToArray());
        }
    }

    [Fact]
    public void Two_secure_streams_differ_and_say_nothing()
    {
        using var first = NoiseStream.Secure();
        using var second = NoiseStream.Secure();
        Assert.NotEqual(first.NextUInt64(), second.NextUInt64());
        Assert.Contains("[redacted]", first.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 7)]
    [InlineData(3, 10)]
    public void Draws_below_a_bound_are_uniform(byte key, int bound)
    {
        using var stream = Stream(key);
        var counts = new double[bound];
        for (var i = 0; i < 100_000; i++) counts[(int)stream.Below((UInt128)bound)]++;
        Assert.True(ChiSquare(counts, [.. Enumerable.Repeat(100_000.0 / bound, bound)]) < bound + 6 * Math.Sqrt(2.0 * bound) + 12);
    }

    [Fact]
    public void Gaussian_noise_has_the_stated_spread_and_shape_and_lies_on_the_grid()
    {
        const int Dimension = 200_001;
        var noise = new GridGaussian(1.5, 2, Dimension);
        var values = new float[Dimension];
        using var stream = Stream(9);
        noise.AddInPlace(values, stream);

        Assert.True(noise.StandardDeviation >= 3 && noise.StandardDeviation < 3 * 1.001);
        Assert.All(values, value => Assert.Equal(0, Math.IEEERemainder(value, noise.Grid)));
        Assert.Equal(0, values.Average(value => (double)value), 5 * 3 / Math.Sqrt(Dimension));
        Assert.Equal(1, values.Sum(value => (double)value * value) / Dimension / 9, 5 * Math.Sqrt(2.0 / Dimension) + 1e-3);

        // Kolmogorov and Smirnov: 1.95 is the 0.1 % point, 2.8 lies below 1e-6.
        var sorted = values.Select(value => (double)value / noise.StandardDeviation).Order().ToArray();
        var worst = sorted.Select((value, i) => Math.Abs(Privacy.Numerics.ErrorFunction.NormalCdf(value) - (i + 0.5) / Dimension)).Max();
        Assert.True(worst * Math.Sqrt(Dimension) < 2.8, $"D·√n = {worst * Math.Sqrt(Dimension)}");

        // Neighbours must not be correlated: the two halves of a Box-Muller pair come from one radius.
        var lag = Enumerable.Range(0, Dimension - 512).Average(i => (double)values[i] * values[i + 512]) / 9;
        Assert.Equal(0, lag, 5 / Math.Sqrt(Dimension));
    }

    [Fact]
    public void Noise_is_added_to_the_sum_and_a_refused_sum_stays_untouched()
    {
        var noise = new GridGaussian(1, 1, 3);
        float[] sum = [100, -50, 3];
        using (var stream = Stream(4)) noise.AddInPlace(sum, stream);
        Assert.Equal([100, -50, 3], sum.Select(value => Math.Round(value / 10.0) * 10 is var tens && tens == 0 ? 3 : tens));

        foreach (var poison in new[] { float.NaN, float.PositiveInfinity, 1e30f })
        {
            float[] poisoned = [1, 2, poison];
            using var stream = Stream(4);
            Assert.Throws<ArgumentException>(() => noise.AddInPlace(poisoned, stream));
            Assert.Equal([1, 2], poisoned[..2]);
        }
        using var other = Stream(4);
        Assert.Throws<ArgumentException>(() => noise.AddInPlace(new float[2], other));
    }

    [Theory]
    [InlineData(1, 0.5)]
    [InlineData(2, 1.0)]
    [InlineData(3, 3.7)]
    [InlineData(4, 0.05)]
    public void The_discrete_Gaussian_has_exactly_its_probabilities(byte key, double sigma)
    {
        var sampler = new DiscreteGaussian(sigma);
        var reach = (int)Math.Ceiling(4 * sigma);
        using var stream = Stream(key);
        AssertDistribution(() => sampler.Sample(stream), reach, x => Math.Exp(-x * x / (2 * sampler.Sigma * sampler.Sigma)));
    }

    [Theory]
    [InlineData(5, 1, 1)]
    [InlineData(6, 5, 2)]
    [InlineData(7, 1, 3)]
    public void The_discrete_Laplace_has_exactly_its_probabilities(byte key, int numerator, int denominator)
    {
        var sampler = new DiscreteLaplace(numerator, denominator);
        using var stream = Stream(key);
        AssertDistribution(() => sampler.Sample(stream), 4, x => Math.Exp(-Math.Abs(x) * denominator / numerator));
    }

    [Fact]
    public void A_large_sigma_keeps_its_variance()
    {
        var sampler = new DiscreteGaussian(12_345.678);
        using var stream = Stream(8);
        var sum = 0.0;
        for (var i = 0; i < 20_000; i++) sum += Math.Pow(sampler.Sample(stream), 2);
        Assert.Equal(1, sum / 20_000 / (sampler.Sigma * sampler.Sigma), 5 * Math.Sqrt(2.0 / 20_000));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(0)]
    [InlineData(1e9)]
    public void A_sigma_out_of_range_is_refused(double sigma) => Assert.Throws<ArgumentOutOfRangeException>(() => new DiscreteGaussian(sigma));

    private static void AssertDistribution(Func<long> sample, int reach, Func<double, double> weight)
    {
        const int Draws = 40_000;
        var counts = new double[2 * reach + 3];
        for (var i = 0; i < Draws; i++) counts[Math.Clamp(sample(), -reach - 1, reach + 1) + reach + 1]++;

        var weights = Enumerable.Range(-10_000, 20_001).Select(x => (X: x, Weight: weight(x))).ToList();
        var total = weights.Sum(w => w.Weight);
        var expected = new double[counts.Length];
        foreach (var (x, w) in weights) expected[Math.Clamp(x, -reach - 1, reach + 1) + reach + 1] += Draws * w / total;

        // Bins without five expected draws are pooled, as the test's approximation asks.
        var kept = Enumerable.Range(0, counts.Length).Where(i => expected[i] >= 5).ToArray();
        var statistic = ChiSquare([.. kept.Select(i => counts[i])], [.. kept.Select(i => expected[i])]);
        Assert.True(statistic < kept.Length + 6 * Math.Sqrt(2.0 * kept.Length) + 12, $"χ² = {statistic} with {kept.Length} bins");
        Assert.Equal(Draws - kept.Sum(i => expected[i]), Draws - kept.Sum(i => counts[i]), 25.0);
    }

    private static double ChiSquare(double[] counts, double[] expected) =>
        counts.Zip(expected).Sum(pair => (pair.First - pair.Second) * (pair.First - pair.Second) / pair.Second);
}
