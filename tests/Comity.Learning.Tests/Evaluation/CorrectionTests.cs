using Comity.Learning.Evaluation;

namespace Comity.Learning.Tests.Evaluation;

public sealed class CorrectionTests
{
    [Fact]
    public void Holm_steps_down_and_never_falls()
    {
        // 4·0.005, max(0.02, 3·0.01), max(…, 2·0.03), max(…, 1·0.04)
        var adjusted = Holm.Adjust([0.01, 0.04, 0.03, 0.005]);

        Assert.Equal([0.03, 0.06, 0.06, 0.02], adjusted.Select(p => Math.Round(p, 12)));
    }

    [Fact]
    public void A_test_that_could_not_be_made_does_not_count()
    {
        Assert.Equal([0.04, double.NaN, 0.9], Holm.Adjust([0.02, double.NaN, 0.9]));
        Assert.Equal([1, 1], Holm.Adjust([0.7, 0.8]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Holm.Adjust([1.5]));
    }

    [Fact]
    public void The_corrected_t_test_widens_by_the_share_of_test_rows()
    {
        // By hand: mean 0.02, s² = 0.0001, J = 5, ratio 0.5: SE² = (0.2 + 0.5)·0.0001; t = 0.02 / 0.0083666 = 2.3905 with 4 degrees.
        double[] differences = [0.01, 0.02, 0.03, 0.01, 0.03];

        var result = CorrectedResampledT.Test(differences, 0.5);

        Assert.Equal(0.02, result.Mean, 12);
        Assert.Equal(Math.Sqrt(0.7 * 0.0001), result.StandardError, 12);
        Assert.Equal(2 * StudentT.Cumulative(-0.02 / Math.Sqrt(0.7e-4), 4), result.P, 12);
        Assert.Equal(0.02 - 2.7764451052 * Math.Sqrt(0.7e-4), result.Low, 9);
        Assert.Equal(0.04, result.High + result.Low, 12);
    }

    [Fact]
    public void Few_or_equal_repeats_say_what_they_can()
    {
        Assert.True(double.IsNaN(CorrectedResampledT.Test([], 0.5).Mean));
        var one = CorrectedResampledT.Test([0.1, double.NaN], 0.5);
        Assert.Equal((1, 0.1), (one.Repeats, one.Mean));
        Assert.True(double.IsNaN(one.P));
        Assert.Equal(1, CorrectedResampledT.Test([0, 0, 0], 0.5).P);
        Assert.Throws<ArgumentOutOfRangeException>(() => CorrectedResampledT.Test([0, 1], double.NaN));
    }
}
