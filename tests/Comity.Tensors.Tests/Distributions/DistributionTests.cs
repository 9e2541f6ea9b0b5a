using Comity.Tensors.Distributions;

namespace Comity.Tensors.Tests.Distributions;

/// <remarks>Vectors: SciPy 1.10.1, <c>stats.norm</c> and <c>stats.t</c>.</remarks>
public sealed class DistributionTests
{
    [Theory]
    [InlineData(-12, 1.776482112077653e-33)]
    [InlineData(-7.5, 3.1908916729108844e-14)]
    [InlineData(-4, 3.167124183311986e-05)]
    [InlineData(-3.0000001, 0.0013498975884453205)]
    [InlineData(-2.9999999, 0.0013498984748150013)]
    [InlineData(-1.959963984540054, 0.025)]
    [InlineData(-0.3, 0.3820885778110474)]
    [InlineData(0, 0.5)]
    [InlineData(0.5, 0.6914624612740131)]
    [InlineData(1, 0.8413447460685429)]
    [InlineData(2.5, 0.9937903346742238)]
    [InlineData(3.5, 0.9997673709209645)]
    [InlineData(6, 0.9999999990134123)]
    public void The_normal_distribution_agrees_with_scipy_far_into_the_tails(double x, double cumulative)
    {
        Assert.Equal(cumulative, NormalDistribution.Cumulative(x), 1e-15);
        Assert.Equal(1, NormalDistribution.Cumulative(x) / cumulative, 1e-11); // small tails keep their digits
    }

    [Theory]
    [InlineData(1e-12, -7.034483825301131)]
    [InlineData(1e-06, -4.753424308822899)]
    [InlineData(0.001, -3.090232306167813)]
    [InlineData(0.025, -1.9599639845400545)]
    [InlineData(0.2, -0.8416212335729142)]
    [InlineData(0.5, 0.0)]
    [InlineData(0.8, 0.8416212335729143)]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(0.9999, 3.719016485455709)]
    public void The_normal_quantile_agrees_with_scipy(double probability, double x) =>
        Assert.Equal(x, NormalDistribution.Quantile(probability), 1e-10);

    [Theory]
    [InlineData(-3, 1, 0.10241638234956672)]
    [InlineData(-2.5, 2.5, 0.052284981539077686)]
    [InlineData(-0.1, 7, 0.4615740298023962)]
    [InlineData(0, 3, 0.5)]
    [InlineData(1.5, 4, 0.896)]
    [InlineData(2.262157, 9, 0.9749999933477842)]
    [InlineData(4, 30, 0.9998090771819581)]
    [InlineData(-6, 12, 3.108369432429284e-05)]
    [InlineData(2, 1000, 0.9771148267533741)]
    public void Students_t_agrees_with_scipy(double t, double degrees, double cumulative) =>
        Assert.Equal(cumulative, StudentT.Cumulative(t, degrees), 1e-10);

    [Theory]
    [InlineData(0.975, 1, 12.706204736432095)]
    [InlineData(0.975, 2, 4.302652729911275)]
    [InlineData(0.975, 7, 2.3646242510102993)]
    [InlineData(0.025, 9, -2.262157162740992)]
    [InlineData(0.9, 2.5, 1.730250928807177)]
    [InlineData(0.995, 30, 2.7499956535670305)]
    [InlineData(0.975, 100000.0, 1.9599877075346093)]
    public void The_quantile_of_students_t_agrees_with_scipy(double probability, double degrees, double t) =>
        Assert.Equal(t, StudentT.Quantile(probability, degrees), 1e-8);

    [Fact]
    public void Students_t_agrees_with_an_independent_integral()
    {
        // ∫ of the density by Simpson's rule, ν = 5: Γ(3)/(√(5π) Γ(2.5)).
        var scale = 2 / (Math.Sqrt(5 * Math.PI) * 1.3293403881791370);
        double Density(double t) => scale * Math.Pow(1 + (t * t / 5), -3);
        const int n = 20_000;
        const double h = 1.7 / n;
        var sum = Density(0) + Density(1.7);
        for (var i = 1; i < n; i++) sum += Density(i * h) * (i % 2 == 1 ? 4 : 2);
        Assert.Equal(1 - (2 * sum * h / 3), StudentT.TwoSided(1.7, 5), 1e-10);
    }

    [Fact]
    public void Published_tables_hold()
    {
        Assert.Equal(1.959963984540054, NormalDistribution.Quantile(0.975), 1e-13);
        Assert.Equal(0.841621233572914, NormalDistribution.Quantile(0.8), 1e-13);
        Assert.Equal(0.05, NormalDistribution.TwoSided(-1.959963984540054), 1e-13);
        Assert.Equal(0.75, StudentT.Cumulative(1, 1), 1e-13); // Cauchy: 1/2 + atan(1)/π
        Assert.Equal(12.706204736, StudentT.Quantile(0.975, 1), 1e-8);
    }

    [Fact]
    public void Edges_are_exact_and_nonsense_is_refused()
    {
        Assert.Equal(0.5, NormalDistribution.Cumulative(0));
        Assert.Equal(double.PositiveInfinity, NormalDistribution.Quantile(1));
        Assert.Equal(0, NormalDistribution.Cumulative(double.NegativeInfinity));
        Assert.Equal(1, NormalDistribution.Cumulative(double.PositiveInfinity));
        Assert.True(double.IsNaN(StudentT.TwoSided(double.NaN, 3)));
        Assert.Equal(0, StudentT.TwoSided(double.PositiveInfinity, 3));
        Assert.Equal(1, StudentT.TwoSided(0, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => NormalDistribution.Quantile(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => StudentT.Quantile(1, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => StudentT.TwoSided(1, 0));
    }
}
