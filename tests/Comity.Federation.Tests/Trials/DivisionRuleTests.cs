using Comity.Federation.Trials;
using Comity.Tensors.Randomness;

namespace Comity.Federation.Tests.Trials;

public sealed class DivisionRuleTests
{
    [Fact]
    public void A_cut_leaves_nobody_out_and_no_group_empty_and_the_groups_cost_about_the_same()
    {
        var random = Seed.Of(2).ToRandom();
        for (var attempt = 0; attempt < 500; attempt++)
        {
            var costs = Enumerable.Range(0, 1 + random.NextInt32(200)).Select(_ => 0.5 + random.NextDouble()).ToArray();
            var groups = 1 + random.NextInt32(Math.Min(64, costs.Length));

            var cut = DivisionRule.Cut(costs, groups);

            Assert.Equal(groups, cut.Count);
            Assert.Equal(Enumerable.Range(0, costs.Length), cut.SelectMany(r => Enumerable.Range(r.Start.Value, r.End.Value - r.Start.Value)));
            Assert.All(cut, r => Assert.True(r.End.Value > r.Start.Value));
            // Off by no more than the sites at its two ends.
            Assert.All(cut, r => Assert.InRange(costs[r].Sum(), (costs.Sum() / groups) - 3, (costs.Sum() / groups) + 3));
        }
    }

    [Fact]
    public void A_site_that_costs_more_than_all_others_ends_its_group() =>
        Assert.Equal([0..3, 3..4, 4..5, 5..6], DivisionRule.Cut([1, 1, 1000, 1, 1, 1], 4));

    [Theory]
    [InlineData("1", 100, 2)]
    [InlineData("1 1 1", 100, 6)]
    [InlineData("1 0.25", 100, 10)] // the slow one's share is a tenth
    [InlineData("1 1", 0.6, 2)] // none shorter than a quarter of a second
    [InlineData("", 100, 1)]
    [InlineData("1 0.001", 100, 64)]
    public void Groups_are_as_small_as_the_slowest_worker_needs(string speeds, double roundSeconds, int groups)
    {
        var workers = speeds.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(s => new GroupWorker(1, double.Parse(s, System.Globalization.CultureInfo.InvariantCulture), 1)).ToList();
        Assert.Equal(groups, DivisionRule.Groups(workers, roundSeconds, 1000));
        Assert.Equal(Math.Min(groups, 3), DivisionRule.Groups(workers, roundSeconds, 3));
    }

    [Fact]
    public void A_busy_machine_counts_for_what_it_has_left() =>
        Assert.Equal(6, DivisionRule.Groups([new(2, 1, 1), new(2, null, 0.5)], 1000, 1000));

    [Theory]
    [InlineData(1.9, 1, 1e3, "short")]
    [InlineData(2.1, 1, 1e3, null)]
    [InlineData(2.1, 2, 1e3, "short")] // one worker with two slots ends it in one second
    [InlineData(10, 1, 100e6, null)] // 2.2 s of transfer
    [InlineData(10, 1, 120e6, "mostly-transfer")] // 2.6 s
    public void A_round_is_worth_dividing_where_training_takes_long_and_the_transfer_does_not(double seconds, int slots, double bytes, string? reason) =>
        Assert.Equal(reason, DivisionRule.NotWorth(seconds, slots, bytes));
}
