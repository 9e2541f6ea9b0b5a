using Comity.Serving.Drift;

namespace Comity.Serving.Tests.Drift;

/// <summary>Against published tables and closed forms.</summary>
public sealed class StatisticsTests
{
    [Theory]
    [InlineData(3.841458820694124, 1, 0.05)] // the 95 % points of the chi-square distribution
    [InlineData(18.307038053275146, 10, 0.05)]
    [InlineData(43.77297182574219, 30, 0.05)]
    [InlineData(10.827566170662733, 1, 0.001)]
    [InlineData(0.5, 4, 0.9735009788392561)]
    public void Chi_square_tails(double statistic, int degrees, double p) => Assert.Equal(p, Statistics.ChiSquareP(statistic, degrees), 1e-10);

    [Fact]
    public void With_two_degrees_of_freedom_the_tail_is_exponential()
    {
        foreach (var x in new[] { 0.01, 0.7, 2.0, 3.9, 4.1, 25, 80 }) Assert.Equal(Math.Exp(-x / 2), Statistics.ChiSquareP(x, 2), 1e-13);
    }

    [Theory]
    [InlineData(1.3580986, 0.05)] // the 95 % and 99 % points of Kolmogorov's distribution
    [InlineData(1.6276236, 0.01)]
    public void Kolmogorov_tails(double x, double p)
    {
        // With huge samples the correction for finite ones vanishes.
        const double N = 1e10;
        Assert.Equal(p, Statistics.KolmogorovP(x / Math.Sqrt(N / 2), N, N), 1e-5);
    }

    [Fact]
    public void Fisher_tasting_tea() => Assert.Equal(34.0 / 70, Statistics.FisherP(3, 4, 1, 4), 1e-12); // 3 of 4 cups right: (16 + 1 + 16 + 1) / 70

    [Theory]
    [InlineData(1, 0)]
    [InlineData(5, 3.1780538303479458)] // ln 24
    [InlineData(0.5, 0.5723649429247001)] // ln √π
    [InlineData(171, 706.5730622457874)]
    public void Log_gamma(double x, double value) => Assert.Equal(value, Statistics.LogGamma(x), 1e-10);
}
