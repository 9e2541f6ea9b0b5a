using Comity.Privacy.Clipping;

namespace Comity.Privacy.Tests.Clipping;

public sealed class L2ClipTests
{
    private static float[] Update(int length, int seed, double scale = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)((random.NextDouble() - 0.5) * scale))];
    }

    private static double NaiveNorm(float[] update) => Math.Sqrt(update.Sum(value => (double)value * value));

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    [InlineData(100_003)]
    public void A_long_update_is_scaled_to_the_bound_and_never_above_it(int length)
    {
        var update = Update(length, length, 50);
        var (before, direction) = (NaiveNorm(update), update[0]);

        var norm = L2Clip.ClipInPlace(update, 0.3f);

        Assert.Equal(before, norm, before * 1e-6);
        Assert.InRange(NaiveNorm(update), 0.3 * (1 - 1e-6), (double)0.3f);
        Assert.Equal(direction * 0.3 / before, update[0], 1e-6);
    }

    [Fact]
    public void A_short_update_stays_as_it_is()
    {
        var update = Update(100, 3);
        var copy = (float[])update.Clone();
        L2Clip.ClipInPlace(update, 1000);
        Assert.Equal(copy, update);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_poisoned_update_is_refused_wherever_it_hides(float poison)
    {
        foreach (var at in new[] { 0, 15, 16, 32 })
        {
            var update = Update(33, 5);
            update[at] = poison;
            Assert.Throws<ArgumentException>(() => L2Clip.ClipInPlace(update, 1));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_bound_that_is_none_is_refused(float clipNorm) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => L2Clip.ClipInPlace([1, 2], clipNorm));

    [Fact]
    public void Values_whose_squares_overflow_a_float_are_clipped_all_the_same()
    {
        float[] update = [1e30f, -1e30f];
        L2Clip.ClipInPlace(update, 1);
        Assert.Equal(1, NaiveNorm(update), 1e-6);
    }
}
