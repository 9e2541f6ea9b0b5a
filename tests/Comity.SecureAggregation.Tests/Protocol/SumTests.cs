using Comity.SecureAggregation.Graphs;
using Comity.SecureAggregation.Protocol;

namespace Comity.SecureAggregation.Tests.Protocol;

public sealed class SumTests
{
    private static void AssertSum(MaskedRound round, CoordinatorTurn turn, IReadOnlyList<int> contributors)
    {
        var summed = Assert.IsType<CoordinatorTurn.Summed>(turn);
        Assert.Equal(contributors, summed.Contributors);
        Assert.Equal(round.PlainSum(contributors), summed.Sum);
        Assert.Empty(round.Refusals);
    }

    [Theory]
    [InlineData(3, 2, AdversaryModel.SemiHonest, 32)]
    [InlineData(4, 3, AdversaryModel.LyingCoordinator, 32)]
    [InlineData(8, 5, AdversaryModel.SemiHonest, 19)]
    public void Sum_under_masks_is_the_plain_sum(int sites, int threshold, AdversaryModel adversary, int bits)
    {
        using var round = new MaskedRound(sites, threshold, adversary, length: 10_001, bits: bits);
        AssertSum(round, round.Play(), [.. Enumerable.Range(0, sites)]);
    }

    [Theory]
    [InlineData(6, 4)]
    [InlineData(8, 5)]
    public void Every_subset_of_sites_that_drop_before_their_vector_leaves_the_exact_sum_of_the_rest_or_nothing(int sites, int threshold)
    {
        for (var dropped = 0; dropped < 1 << sites; dropped++)
        {
            var gone = dropped;
            var survivors = Enumerable.Range(0, sites).Where(site => (gone >> site & 1) == 0).ToList();

            // One below the threshold tells the story; smaller sizes would only repeat it.
            if (survivors.Count < threshold - 1 || (survivors.Count < threshold && sites > 6)) continue;
            using var round = new MaskedRound(sites, threshold, length: 5, seed: dropped);
            var turn = round.Play(site => survivors.Contains(site) ? Drop.Never : Drop.BeforeInput);
            if (survivors.Count >= threshold) AssertSum(round, turn, survivors);
            else Assert.Equal(RefusalCode.TooFewSites, Assert.IsType<CoordinatorTurn.Abandoned>(turn).Why.Code);
        }
    }

    [Fact]
    public void Four_sites_may_drop_in_every_combination_of_steps()
    {
        const int Sites = 4;
        const int Threshold = 3;
        var steps = new[] { Drop.BeforeKeys, Drop.BeforeShares, Drop.BeforeInput, Drop.BeforeReveal, Drop.Never };
        for (var code = 0; code < 625; code++)
        {
            // Of all orders of one combination the ascending and the descending one are played.
            var drops = Enumerable.Range(0, Sites).Select(site => steps[code / (int)Math.Pow(5, site) % 5]).ToList();
            if (!drops.SequenceEqual(drops.Order()) && !drops.SequenceEqual(drops.OrderDescending())) continue;
            using var round = new MaskedRound(Sites, Threshold, length: 3, seed: code);
            var turn = round.Play(site => drops[site]);
            var contributors = Enumerable.Range(0, Sites).Where(site => drops[site] > Drop.BeforeInput).ToList();
            if (drops.Count(drop => drop == Drop.Never) >= Threshold) AssertSum(round, turn, contributors);
            else Assert.Equal(RefusalCode.TooFewSites, Assert.IsType<CoordinatorTurn.Abandoned>(turn).Why.Code);
        }
    }

    [Theory]
    [InlineData(Drop.BeforeKeys)]
    [InlineData(Drop.BeforeShares)]
    [InlineData(Drop.BeforeInput)]
    [InlineData(Drop.BeforeSignature)]
    [InlineData(Drop.BeforeReveal)]
    public void Against_a_lying_coordinator_a_site_may_still_drop_at_every_step(Drop step)
    {
        using var round = new MaskedRound(4, 3, AdversaryModel.LyingCoordinator);
        AssertSum(round, round.Play(site => site == 2 ? step : Drop.Never), step <= Drop.BeforeInput ? [0, 1, 3] : [0, 1, 2, 3]);
    }

    [Fact]
    public void Sparse_graph_gives_the_same_sum_with_a_third_dropping()
    {
        using var round = new MaskedRound(24, 9, degree: 16, length: 100);
        var turn = round.Play(site => site % 3 == 1 ? Drop.BeforeInput : Drop.Never);
        AssertSum(round, turn, [.. Enumerable.Range(0, 24).Where(site => site % 3 != 1)]);
    }

    [Fact]
    public void What_the_coordinator_sees_of_one_site_depends_on_nothing_it_could_know()
    {
        // The same vector twice gives unrelated masked inputs, and none of them is the vector.
        using var round = new MaskedRound(3, 2, length: 1000);
        round.Play();
        var first = round.Seen.OfType<MaskedInput>().Single(input => input.Site == 0).Packed;
        round.Seen.Clear();
        round.Play();
        var second = round.Seen.OfType<MaskedInput>().Single(input => input.Site == 0).Packed;

        var plain = FixedPoint.RingPacking.Pack(round.Vectors[0], 32);
        Assert.InRange(first.Zip(second).Count(pair => pair.First == pair.Second), 0, 60);
        Assert.InRange(first.Zip(plain).Count(pair => pair.First == pair.Second), 0, 60);
    }

    [Fact]
    public void Nobody_reveals_both_shares_of_one_site()
    {
        using var round = new MaskedRound(6, 4);
        round.Play(site => site is 1 or 4 ? Drop.BeforeInput : Drop.Never);
        var reveals = round.Seen.OfType<RevealedShares>().ToList();
        Assert.Equal(4, reveals.Count);
        Assert.All(reveals, reveal =>
        {
            Assert.Equal([0, 2, 3, 5], reveal.SelfMaskShares.Keys);
            Assert.Equal([1, 4], reveal.MaskKeyShares.Keys);
        });
    }
}
