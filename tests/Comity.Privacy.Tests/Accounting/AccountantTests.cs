using Comity.Privacy.Accounting;
using Comity.Privacy.Events;
using Comity.Privacy.Tests.Vectors;

namespace Comity.Privacy.Tests.Accounting;

public sealed class AccountantTests
{
    private static readonly PldAccountant Pld = new(NeighbouringRelation.AddOrRemoveOne);
    private static readonly RdpAccountant Rdp = new(NeighbouringRelation.AddOrRemoveOne);

    public static TheoryData<int> Published => Table.Rows("accounting.csv");

    public static TheoryData<int> Calibrated => Table.Rows("calibration.csv");

    private static PrivacyEvent Training(IReadOnlyDictionary<string, double> row, double? noise = null) =>
        new PoissonSampledEvent(row["rate"], new GaussianEvent(noise ?? row["noise"])).Times((long)row["steps"]);

    [Theory]
    [MemberData(nameof(Published))]
    public void Loss_distributions_agree_with_the_reference_and_never_fall_below_an_exact_value(int index)
    {
        var row = Table.Read("accounting.csv")[index];

        var epsilon = Pld.Epsilon(Training(row), row["delta"]);

        Assert.InRange(epsilon, row["pld"] * 0.995, row["pld"] * 1.005);
        if (!double.IsNaN(row["exact"])) Assert.True(epsilon >= row["exact"] * (1 - 1e-9), $"{epsilon:R} is below the exact {row["exact"]:R}.");
    }

    [Fact]
    public void A_delta_that_the_transform_can_not_resolve_is_refused_rather_than_understated()
    {
        var sampled = new PoissonSampledEvent(0.9999999, new GaussianEvent(10)).Times(100);

        Assert.Throws<ArgumentOutOfRangeException>(() => Pld.Epsilon(sampled, 1e-16));
        Assert.True(Rdp.Epsilon(sampled, 1e-16) > 8.452); // the exact value at full participation
        Assert.InRange(Pld.Epsilon(new GaussianEvent(10).Times(100), 1e-16), 8.4, 8.5); // no transform, no limit
    }

    [Theory]
    [MemberData(nameof(Published))]
    public void Renyi_bounds_lie_between_the_loss_distribution_and_the_reference(int index)
    {
        var row = Table.Read("accounting.csv")[index];

        var epsilon = Rdp.Epsilon(Training(row), row["delta"]);

        // The reference drops the signs of its series for fractional orders, so it may only be higher.
        Assert.InRange(epsilon, row["pld"], row["rdp_google"] + 1e-6);
        Assert.InRange(epsilon, Math.Min(row["rdp_google"], row["rdp_opacus"]) * 0.999, row["rdp_google"] * 1.001);
    }

    [Theory]
    [MemberData(nameof(Calibrated))]
    public void Noise_from_epsilon_agrees_with_the_reference_and_keeps_the_promise(int index)
    {
        var row = Table.Read("calibration.csv")[index];

        var rdp = NoiseCalibration.NoiseMultiplier(Rdp, noise => Training(row, noise), row["epsilon"], row["delta"]);
        var pld = NoiseCalibration.NoiseMultiplier(Pld, noise => Training(row, noise), row["epsilon"], row["delta"], 1e-3);

        Assert.InRange(rdp, row["rdp"] * 0.998, row["rdp"] * 1.001);
        Assert.InRange(pld, row["pld"] * 0.998, row["pld"] * 1.005);
        Assert.True(Pld.Epsilon(Training(row, pld), row["delta"]) <= row["epsilon"]);
    }

    [Fact]
    public void Different_mechanisms_compose()
    {
        var sampled = PrivacyEvent.All(
            new PoissonSampledEvent(0.1, new GaussianEvent(1)).Times(50),
            new PoissonSampledEvent(0.2, new GaussianEvent(1.5)).Times(50));
        var full = PrivacyEvent.All(new GaussianEvent(2).Times(3), new GaussianEvent(4).Times(10), new GaussianEvent(8).Times(20));

        Assert.Equal(7.301743, Pld.Epsilon(sampled, 1e-5), 7.3 * 0.002);
        Assert.InRange(Rdp.Epsilon(sampled, 1e-5), 8.09, 8.113373);
        Assert.Equal(6.599831929950541, Pld.Epsilon(full, 1e-6), 1e-9);
        Assert.Equal(7.039252, Rdp.Epsilon(full, 1e-6), 0.007);
    }

    [Theory]
    [InlineData(0.1, 1, 1e-5, 1.6845438143284657)]
    [InlineData(0.01, 1, 1e-5, 0.19945044779591473)]
    [InlineData(0.5, 2, 1e-5, 1.353573422325697)]
    [InlineData(0.2, 0.8, 1e-3, 1.9737554685699872)]
    [InlineData(0.01, 0.5, 1e-6, 4.285423137183863)]
    public void One_sampled_step_is_an_upper_bound_close_to_the_closed_form(double rate, double noise, double delta, double exact)
    {
        var epsilon = Pld.Epsilon(new PoissonSampledEvent(rate, new GaussianEvent(noise)), delta);
        Assert.InRange(epsilon, exact - 1e-9, exact * 1.005);
    }

    [Fact]
    public void Laplace_and_discrete_Gaussian_agree_with_the_reference()
    {
        // dp_accounting 0.6.0.
        Assert.Equal(4.692667, Pld.Epsilon(new LaplaceEvent(10).Times(100), 1e-6), 4.69 * 0.005);
        Assert.Equal(4.984174, Rdp.Epsilon(new LaplaceEvent(10).Times(100), 1e-6), 0.005);
        Assert.Equal(4.499591, Pld.Epsilon(new DiscreteGaussianEvent(1), 1e-6), 4.5 * 0.005);
        Assert.Equal(1.063486, Pld.Epsilon(new DiscreteGaussianEvent(4), 1e-6), 1.06 * 0.005);
    }

    [Fact]
    public void The_neighbouring_relation_changes_the_answer()
    {
        var replace = new PldAccountant(NeighbouringRelation.ReplaceOne);
        var full = new GaussianEvent(10).Times(100);
        var sampled = new PoissonSampledEvent(0.1, new GaussianEvent(2)).Times(100);

        Assert.Equal(4.377178, Pld.Epsilon(full, 1e-5), 1e-5);
        Assert.Equal(9.997256, replace.Epsilon(full, 1e-5), 1e-5);
        Assert.Equal(4.368097, replace.Epsilon(sampled, 1e-5), 4.37 * 0.005);
    }

    [Fact]
    public void Epsilon_and_delta_are_each_others_inverse()
    {
        var training = new PoissonSampledEvent(0.02, new GaussianEvent(1.5)).Times(500);
        foreach (IPrivacyAccountant accountant in new IPrivacyAccountant[] { Pld, Rdp })
        {
            var epsilon = accountant.Epsilon(training, 1e-6);
            Assert.Equal(1e-6, accountant.Delta(training, epsilon), 5e-8);
        }
    }

    private sealed record SomebodyElsesEvent : PrivacyEvent;

    [Fact]
    public void What_an_accountant_cannot_bound_it_refuses()
    {
        foreach (IPrivacyAccountant accountant in new IPrivacyAccountant[] { Pld, Rdp, new GaussianAccountant(NeighbouringRelation.AddOrRemoveOne) })
        {
            var refused = Assert.Throws<UnsupportedEventException>(() => accountant.Epsilon(new SomebodyElsesEvent().Times(3), 1e-5));
            Assert.Equal(new SomebodyElsesEvent(), refused.Refused);
            Assert.Throws<UnsupportedEventException>(() => accountant.Epsilon(new PoissonSampledEvent(0.1, new LaplaceEvent(1)), 1e-5));
        }
        Assert.Throws<UnsupportedEventException>(() => new RdpAccountant(NeighbouringRelation.ReplaceOne).Epsilon(new PoissonSampledEvent(0.1, new GaussianEvent(1)), 1e-5));
    }

    [Fact]
    public void Nothing_costs_nothing_and_no_protection_costs_everything()
    {
        foreach (IPrivacyAccountant accountant in new IPrivacyAccountant[] { Pld, Rdp, new GaussianAccountant(NeighbouringRelation.AddOrRemoveOne) })
        {
            Assert.Equal(0, accountant.Epsilon(new NoOpEvent().Times(7), 1e-5));
            Assert.Equal(0, accountant.Epsilon(new PoissonSampledEvent(0, new GaussianEvent(1)), 1e-5));
            Assert.Equal(double.PositiveInfinity, accountant.Epsilon(PrivacyEvent.All(new GaussianEvent(1), new NonPrivateEvent()), 1e-5));
        }
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.PositiveInfinity)]
    public void Noise_that_is_no_positive_number_is_refused(double noise)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianEvent(noise));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LaplaceEvent(noise));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DiscreteGaussianEvent(noise));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(0)]
    [InlineData(1)]
    public void A_delta_outside_0_and_1_is_refused(double delta)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Pld.Epsilon(new GaussianEvent(1), delta));
        Assert.Throws<ArgumentOutOfRangeException>(() => Rdp.Epsilon(new GaussianEvent(1), delta));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PoissonSampledEvent(double.NaN, new GaussianEvent(1)));
    }

    [Theory]
    [InlineData(1e-160)]
    [InlineData(1e-300)]
    [InlineData(double.Epsilon)]
    public void Rates_that_are_hardly_numbers_cost_nearly_nothing_and_break_nothing(double rate)
    {
        var epsilon = new PldAccountant(NeighbouringRelation.AddOrRemoveOne).Epsilon(new PoissonSampledEvent(rate, new GaussianEvent(1.1)).Times(1000), 1e-6);
        Assert.InRange(epsilon, 0, 1e-6);
    }
}
