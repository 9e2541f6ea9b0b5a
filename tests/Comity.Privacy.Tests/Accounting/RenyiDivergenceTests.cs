using Comity.Privacy.Accounting;
using Comity.Privacy.Tests.Vectors;

namespace Comity.Privacy.Tests.Accounting;

public sealed class RenyiDivergenceTests
{
    public static TheoryData<int> Quadrature => Table.Rows("divergence.csv");

    [Theory]
    [MemberData(nameof(Quadrature))]
    public void The_signed_series_agrees_with_quadrature_at_40_digits(int index)
    {
        var row = Table.Read("divergence.csv")[index];
        var divergence = RenyiDivergence.SampledGaussian(row["rate"], row["noise"], row["order"]);

        // Integer orders keep all digits; the alternating series loses those that the 1 in the sum hides.
        var tolerance = row["order"] == Math.Floor(row["order"]) ? 1e-12 : 1e-9 + 1e-14 / row["divergence"];
        Assert.Equal(1, divergence / row["divergence"], tolerance);
    }

    [Theory]
    [InlineData(1e-6, 4.0, 1.5)]
    [InlineData(1e-7, 1.0, 2.5)]
    public void Where_the_series_has_no_digits_left_the_answer_is_still_an_upper_bound(double rate, double noise, double order)
    {
        var divergence = RenyiDivergence.SampledGaussian(rate, noise, order);

        // An independent integral with a positive integrand: E[(1+y)^α − 1 − αy], y = q(ratio − 1), by its series in y (y is tiny).
        var integral = 0.0;
        for (var x = -12 * noise; x < 12 * noise + 1; x += noise / 1000)
        {
            var y = rate * (Math.Exp((2 * x - 1) / (2 * noise * noise)) - 1);
            var excess = order * (order - 1) / 2 * y * y + order * (order - 1) * (order - 2) / 6 * y * y * y;
            integral += excess * Math.Exp(-x * x / (2 * noise * noise)) / Math.Sqrt(2 * Math.PI) / 1000;
        }
        Assert.True(divergence >= integral / (order - 1) * (1 - 1e-3));
        Assert.True(divergence <= 3 * integral / (order - 1));
    }
}
