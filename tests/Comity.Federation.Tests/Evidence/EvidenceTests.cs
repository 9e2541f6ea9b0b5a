using Comity.Federation.Evidence;
using Comity.Federation.Sites;
using Comity.Tensors.Distributions;

namespace Comity.Federation.Tests.Evidence;

public sealed class EvidenceTests
{
    [Fact]
    public void Holm_steps_down_and_skips_what_was_not_tested()
    {
        var corrected = Holm.Correct([0.01, double.NaN, 0.04, 0.03]);
        Assert.Equal(0.03, corrected[0], 1e-15);
        Assert.True(double.IsNaN(corrected[1]));
        Assert.Equal(0.06, corrected[2], 1e-15); // never below the one before it
        Assert.Equal(0.06, corrected[3], 1e-15);
    }

    [Fact]
    public void The_corrected_resampled_t_is_wider_than_the_plain_one()
    {
        // Worked by hand: mean 0.02, s² = 2.5e-4, variance (1/5 + 1/2)·s², t = 0.02/√1.75e-4, 4 degrees.
        var d = Difference.OverRepeats([0.0, 0.01, 0.02, 0.03, 0.04], testRows: 50, trainingRows: 100);
        Assert.Equal(0.02, d.Value, 1e-15);
        var t = 0.02 / Math.Sqrt(1.75e-4);
        Assert.Equal(StudentT.TwoSided(t, 4), d.P, 1e-12);
        Assert.Equal(0.02 - (2.7764451052 * Math.Sqrt(1.75e-4)), d.Low, 1e-10);
        Assert.True(double.IsNaN(Difference.OverRepeats([0.5], 1, 1).P));
    }

    [Fact]
    public void Sites_of_a_market_combine_by_test_rows()
    {
        var a = new PairedDifference("mse", 0.1, 0, 0.2, 0.05, 0.04, "bootstrap", 0.14);
        var b = new PairedDifference("mse", 0.3, 0, 0.6, 0.1, 0.01, "bootstrap", 0.28);
        var both = Difference.Combine([(a, 30), (b, 10)]);
        Assert.Equal(0.15, both.Value, 1e-12);
        var error = Math.Sqrt((0.75 * 0.75 * 0.05 * 0.05) + (0.25 * 0.25 * 0.1 * 0.1));
        Assert.Equal(0.15 + (1.959963984540054 * error), both.High, 1e-9);
        Assert.Equal("bootstrap", Difference.Combine([(a, 30)]).Test); // one site keeps its own test
        Assert.Equal("bootstrap", Difference.Combine([(a, 30), (b with { Difference = double.NaN }, 10)]).Test);
    }

    [Theory]
    [InlineData("rocAuc", false)]
    [InlineData("logLoss", true)]
    [InlineData("brier", true)]
    [InlineData("rmse", true)]
    [InlineData("accuracy", false)]
    [InlineData("r2", false)]
    public void Metrics_know_which_way_is_up(string metric, bool lower) => Assert.Equal(lower, MetricOrder.LowerIsBetter(metric));
}
