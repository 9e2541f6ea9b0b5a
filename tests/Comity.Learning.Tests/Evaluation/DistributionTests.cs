using Comity.Learning.Evaluation;

namespace Comity.Learning.Tests.Evaluation;

public sealed class DistributionTests
{
    [Fact]
    public void The_normal_distribution_agrees_with_scipy_far_into_the_tails()
    {
        var vectors = EvaluationVectors.Of("distributions");
        Assert.All(vectors.GetProperty("normal").EnumerateArray().Select(v => v.Doubles()), v =>
        {
            Assert.Equal(v[1], NormalDistribution.Cumulative(v[0]), 1e-15);
            Assert.Equal(1, NormalDistribution.Cumulative(v[0]) / v[1], 1e-11); // small tails keep their digits
        });
        Assert.All(vectors.GetProperty("normalQuantile").EnumerateArray().Select(v => v.Doubles()), v =>
            Assert.Equal(v[1], NormalDistribution.Quantile(v[0]), 1e-10));
    }

    [Fact]
    public void Students_t_agrees_with_scipy()
    {
        var vectors = EvaluationVectors.Of("distributions");
        Assert.All(vectors.GetProperty("t").EnumerateArray().Select(v => v.Doubles()), v =>
            Assert.Equal(v[2], StudentT.Cumulative(v[0], v[1]), 1e-10));
        Assert.All(vectors.GetProperty("tQuantile").EnumerateArray().Select(v => v.Doubles()), v =>
            Assert.Equal(v[2], StudentT.Quantile(v[0], v[1]), 1e-8));
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
