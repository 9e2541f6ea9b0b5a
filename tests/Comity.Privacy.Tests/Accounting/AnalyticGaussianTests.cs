using Comity.Privacy.Accounting;
using Comity.Privacy.Tests.Vectors;

namespace Comity.Privacy.Tests.Accounting;

public sealed class AnalyticGaussianTests
{
    public static TheoryData<int> Published => Table.Rows("gaussian.csv");

    [Theory]
    [MemberData(nameof(Published))]
    public void Both_directions_agree_with_the_reference(int index)
    {
        var row = Table.Read("gaussian.csv")[index];
        Assert.Equal(1, AnalyticGaussian.NoiseMultiplier(row["epsilon"], row["delta"]) / row["noise"], 1e-9);
        Assert.Equal(1, AnalyticGaussian.Epsilon(row["noise"], row["delta"]) / row["epsilon"], 1e-9);
        Assert.Equal(1, AnalyticGaussian.Delta(row["noise"], row["epsilon"]) / row["delta"], 1e-7);
    }

    [Fact]
    public void Delta_agrees_with_a_numerical_integral_of_its_definition()
    {
        // δ = ∫ (p − e^ε q)⁺ for p = N(1, s²), q = N(0, s²), summed with the trapezoid rule.
        var (noise, epsilon) = (1.7, 0.9);
        var sum = 0.0;
        const double Step = 1e-4;
        for (var x = -20.0; x < 20; x += Step)
        {
            var p = Math.Exp(-(x - 1) * (x - 1) / (2 * noise * noise));
            var q = Math.Exp(-x * x / (2 * noise * noise));
            sum += Math.Max(0, p - Math.Exp(epsilon) * q) * Step;
        }
        Assert.Equal(sum / (noise * Math.Sqrt(2 * Math.PI)), AnalyticGaussian.Delta(noise, epsilon), 1e-8);
    }

    [Fact]
    public void Several_Gaussians_are_exactly_one() =>
        Assert.Equal(0.769800358919501, AnalyticGaussian.Compose((2, 3), (4, 10), (8, 20)), 1e-14);

    [Fact]
    public void Enough_noise_costs_nothing() => Assert.Equal(0, AnalyticGaussian.Epsilon(1e7, 1e-5));

    [Fact]
    public void NaN_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => AnalyticGaussian.Delta(double.NaN, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => AnalyticGaussian.Delta(1, double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => AnalyticGaussian.NoiseMultiplier(double.NaN, 1e-5));
    }
}
