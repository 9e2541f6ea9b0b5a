using Comity.Privacy.Accounting;
using Comity.Privacy.Events;

namespace Comity.Privacy.Tests.Accounting;

/// <summary>Releases of which only ε is known: reckoned as randomised response, which is the worst of them.</summary>
public sealed class PureEventTests
{
    [Theory]
    [InlineData(0.1, 1, 1e-5)]
    [InlineData(0.5, 8, 1e-6)]
    [InlineData(1, 3, 1e-3)]
    [InlineData(0.05, 40, 1e-5)]
    public void Composed_losses_are_the_binomial_of_Kairouz_Oh_and_Viswanath(double epsilon, int count, double delta)
    {
        // Theorem 3.3 of arXiv:1311.0776 by enumeration: the loss of k answers that went one way is (2k − n)·ε.
        var p = 1 / (1 + Math.Exp(-epsilon));
        double Delta(double at)
        {
            var (sum, weight) = (0.0, Math.Pow(1 - p, count));
            for (var k = 0; k <= count; k++)
            {
                var loss = ((2 * k) - count) * epsilon;
                if (loss > at) sum += weight * (1 - Math.Exp(at - loss));
                weight *= p / (1 - p) * (count - k) / (k + 1);
            }
            return sum;
        }
        var (low, high) = (0.0, count * epsilon);
        for (var i = 0; i < 100; i++) (low, high) = Delta((low + high) / 2) > delta ? ((low + high) / 2, high) : (low, (low + high) / 2);
        var found = new PldAccountant(NeighbouringRelation.AddOrRemoveOne).Epsilon(new PureEvent(epsilon).Times(count), delta);
        Assert.InRange(found, high * (1 - 1e-9), high * 1.005);
        Assert.True(new RdpAccountant(NeighbouringRelation.AddOrRemoveOne).Epsilon(new PureEvent(epsilon).Times(count), delta) >= high);
    }

    [Theory]
    [InlineData(0.3, 2)]
    [InlineData(1, 1.5)]
    [InlineData(4, 32)]
    public void Its_divergence_is_the_sum_over_two_outcomes_and_that_of_discrete_Laplace_noise(double epsilon, double order)
    {
        var found = new RdpAccountant(NeighbouringRelation.AddOrRemoveOne, [order]).Divergences(new PureEvent(epsilon))[0];
        var p = 1 / (1 + Math.Exp(-epsilon));
        Assert.Equal(Math.Log((Math.Pow(p, order) * Math.Pow(1 - p, 1 - order)) + (Math.Pow(1 - p, order) * Math.Pow(p, 1 - order))) / (order - 1), found, 1e-9 * (1 + found));
        // A count with discrete Laplace noise around 0 and around 1, outcome by outcome.
        var q = Math.Exp(-epsilon);
        double Mass(int x) => (1 - q) / (1 + q) * Math.Pow(q, Math.Abs(x));
        var sum = 0.0;
        for (var x = -600; x <= 600; x++)
        {
            if (Mass(x) > 0 && Mass(x - 1) > 0) sum += Math.Exp((order * Math.Log(Mass(x))) + ((1 - order) * Math.Log(Mass(x - 1))));
        }
        Assert.Equal(Math.Log(sum) / (order - 1), found, 1e-6);
    }

    [Fact]
    public void Replacing_a_unit_costs_twice_and_mixtures_compose()
    {
        Assert.Equal(new PldAccountant(NeighbouringRelation.AddOrRemoveOne).Epsilon(new PureEvent(2).Times(5), 1e-5), new PldAccountant(NeighbouringRelation.ReplaceOne).Epsilon(new PureEvent(1).Times(5), 1e-5), 1e-6);
        var gaussian = new GaussianEvent(2);
        var account = new PldAccountant(NeighbouringRelation.AddOrRemoveOne);
        var together = account.Epsilon(PrivacyEvent.All(gaussian, new PureEvent(0.5)), 1e-5);
        Assert.InRange(together, account.Epsilon(gaussian, 1e-5), account.Epsilon(gaussian, 1e-5) + 0.5 + 1e-3);
    }
}
