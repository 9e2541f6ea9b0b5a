using Comity.Insight.Charts;
using Comity.Insight.Evidence;

namespace Comity.Insight.Tests.Charts;

public sealed class LinearScaleTests
{
    [Fact]
    public void Values_map_to_pixels_and_stay_within_the_axis()
    {
        var scale = new LinearScale(0, 10, 100, 0);
        Assert.Equal(100, scale.At(0));
        Assert.Equal(75, scale.At(2.5));
        Assert.Equal(0, scale.At(99));
    }

    [Theory]
    [InlineData(0.583, 0.916)]
    [InlineData(-0.2, 0.3)]
    [InlineData(12, 98765)]
    [InlineData(0.5, 0.5)]
    [InlineData(1e-7, 3e-7)]
    public void An_axis_around_values_is_round_and_holds_them(double low, double high)
    {
        var scale = LinearScale.Around([low, high, double.NaN, double.PositiveInfinity], 0, 100);

        Assert.True(scale.Low <= low && scale.High >= high && scale.Low < scale.High);
        var ticks = scale.Ticks(5);
        Assert.InRange(ticks.Count, 2, 9);
        Assert.All(ticks, t => Assert.InRange(t, scale.Low - 1e-9, scale.High + 1e-9));
        Assert.DoesNotContain(ticks, t => double.IsNegative(t) && t == 0);
    }

    [Fact]
    public void An_axis_without_any_value_can_still_be_drawn() => Assert.True(LinearScale.Around([double.NaN], 0, 1) is { } axis && axis.High > axis.Low);

    [Fact]
    public void Decimals_tell_neighbouring_ticks_apart()
    {
        Assert.Equal(2, new LinearScale(0.78, 0.86, 0, 1).Decimals(4));
        Assert.Equal(1, new LinearScale(0, 1, 0, 1).Decimals(5));
        Assert.Equal(0, new LinearScale(0, 50, 0, 1).Decimals(6));
    }

    [Fact]
    public void Quantiles_interpolate_as_type_7_does()
    {
        double[] values = [1, 2, 3, 4];
        Assert.Equal(1.3, Quantiles.Of(values, 0.1), 12);
        Assert.Equal(2.5, Quantiles.Of(values, 0.5), 12);
        Assert.Equal(4, Quantiles.Of(values, 1), 12);
    }

    [Fact]
    public void A_text_that_is_too_long_is_cut_and_never_within_a_character()
    {
        Assert.Equal("short", Svg.Fit("short", 100, 12));
        var cut = Svg.Fit("a very long name of an organisation", 100, 12);
        Assert.EndsWith("…", cut, StringComparison.Ordinal);
        Assert.True(Svg.WidthOf(cut, 12) <= 112);
        Assert.All(Svg.Fit("🏥🏥🏥🏥🏥🏥", 40, 12)[..^1].Chunk(2), pair => Assert.True(char.IsSurrogatePair(pair[0], pair[^1])));
    }
}
