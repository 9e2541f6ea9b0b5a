using Comity.Federation.Evidence;
using Comity.Federation.Sites;

namespace Comity.Federation.Tests.Evidence;

public sealed class EvidenceTests
{
    [Theory] // erfc(|z|/√2) of the C library
    [InlineData(0, 1)]
    [InlineData(0.1, 0.92034432544594)]
    [InlineData(1, 0.3173105079)]
    [InlineData(1.959963984540054, 0.05)]
    [InlineData(-3, 0.002699796063)]
    [InlineData(6, 1.973175290e-9)]
    public void Normal_tails(double z, double p) => Assert.Equal(p, Distributions.NormalTwoSided(z), p * 1e-9);

    [Theory] // tables of Student's distribution: t with a two-sided tail of 5 %
    [InlineData(1, 12.7062047364)]
    [InlineData(2, 4.3026527299)]
    [InlineData(7, 2.3646242510)]
    [InlineData(30, 2.0422724563)]
    public void Student_quantiles(double degrees, double t)
    {
        Assert.Equal(t, Distributions.StudentQuantile(0.975, degrees), t * 1e-8);
        Assert.Equal(0.05, Distributions.StudentTwoSided(t, degrees), 1e-9);
        Assert.Equal(-t, Distributions.StudentQuantile(0.025, degrees), t * 1e-8);
    }

    [Fact]
    public void Student_agrees_with_an_independent_integral()
    {
        // ∫ of the density by Simpson's rule, ν = 5: Γ(3)/(√(5π) Γ(2.5)).
        var scale = 2 / (Math.Sqrt(5 * Math.PI) * 1.3293403881791370);
        double Density(double t) => scale * Math.Pow(1 + (t * t / 5), -3);
        const int n = 20_000;
        const double h = 1.7 / n;
        var sum = Density(0) + Density(1.7);
        for (var i = 1; i < n; i++) sum += Density(i * h) * (i % 2 == 1 ? 4 : 2);
        Assert.Equal(1 - (2 * sum * h / 3), Distributions.StudentTwoSided(1.7, 5), 1e-10);
    }

    [Fact]
    public void Normal_quantiles_invert_the_tails()
    {
        Assert.Equal(1.959963984540054, Distributions.NormalQuantile(0.975), 1e-12);
        Assert.Equal(0.8416212335729143, Distributions.NormalQuantile(0.8), 1e-12);
    }

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
        Assert.Equal(Distributions.StudentTwoSided(t, 4), d.P, 1e-12);
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
