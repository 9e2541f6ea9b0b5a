using Comity.SecureAggregation.Graphs;
using Comity.SecureAggregation.Protocol;
using Comity.SecureAggregation.Tests.Protocol;

namespace Comity.Privacy.Attacks;

/// <summary>A coordinator that keeps to the protocol and thinks about everything it sees, and one that lies about who dropped.</summary>
public sealed class CuriousCoordinatorTests
{
    /// <summary>Sites and threshold of the rounds of which every case is played.</summary>
    public static TheoryData<int, int> Cohorts => LongForm.Wanted ? new() { { 3, 2 }, { 4, 3 }, { 5, 3 } } : new() { { 3, 2 }, { 4, 3 } };

    [Theory]
    [InlineData(4, 3)]
    [InlineData(5, 3)]
    public void No_subset_of_reveals_below_the_threshold_unmasks_anything_and_every_one_at_it_only_the_sum(int sites, int threshold)
    {
        using var round = new MaskedRound(sites, threshold, length: 16);
        Assert.IsType<CoordinatorTurn.Summed>(round.Play());
        var seen = round.Seen.ToList();
        for (var subset = 0; subset < 1 << sites; subset++)
        {
            var heard = Enumerable.Range(0, sites).Where(s => (subset >> s & 1) != 0).ToHashSet();
            var turn = Replay(round, seen, heard);
            var eavesdropper = new Eavesdropper(round.Plan);
            foreach (var message in seen.Where(m => m is not RevealedShares || heard.Contains(m.Site))) eavesdropper.Hear(message);
            Assert.Equal(heard.Count < threshold ? [] : [(1 << sites) - 1], Learnt(round, eavesdropper, (1 << sites) - 1));
            if (heard.Count < threshold) Assert.IsType<CoordinatorTurn.Abandoned>(turn);
            else Assert.Equal(round.PlainSum(Enumerable.Range(0, sites)), Assert.IsType<CoordinatorTurn.Summed>(turn).Sum);
        }
    }

    // Every way in which sites can fall silent after they shared: before their vectors count (they arrive late all the same), or before they reveal.
    [Theory]
    [MemberData(nameof(Cohorts))]
    public void Whoever_drops_out_only_the_sum_of_the_survivors_comes_to_light(int sites, int threshold)
    {
        for (var pattern = 0; pattern < (int)Math.Pow(3, sites); pattern++)
        {
            Drop[] drops = [.. Enumerable.Range(0, sites).Select(s => (pattern / (int)Math.Pow(3, s) % 3) switch { 0 => Drop.Never, 1 => Drop.BeforeInput, _ => Drop.BeforeReveal })];
            Eavesdropper eavesdropper = null!;
            using var round = new MaskedRound(sites, threshold, length: 4) { Said = m => { if (m is not RevealedShares r || drops[r.Site] == Drop.Never) eavesdropper.Hear(m); } };
            eavesdropper = new Eavesdropper(round.Plan);
            var summed = round.Play(s => drops[s]) is CoordinatorTurn.Summed;

            var survivors = Enumerable.Range(0, sites).Where(s => drops[s] != Drop.BeforeInput).Sum(s => 1 << s);
            Assert.Equal(summed ? [survivors] : [], Learnt(round, eavesdropper, (1 << sites) - 1));
        }
    }

    // Every set of sites that tell the coordinator all they know; one of the others may have dropped out.
    [Theory]
    [MemberData(nameof(Cohorts))]
    public void Sites_that_tell_all_bare_the_sum_of_the_others_and_no_less_until_as_many_as_the_threshold_do(int sites, int threshold)
    {
        for (var bribed = 0; bribed < 1 << sites; bribed++)
        {
            for (var dropped = -1; dropped < sites; dropped++)
            {
                var (tell, silent) = (bribed, dropped);
                Eavesdropper eavesdropper = null!;
                using var round = new MaskedRound(sites, threshold, length: 4)
                {
                    Told = site => { if ((tell >> site.Site & 1) != 0) eavesdropper.Bribe(site); },
                    Said = m => { if (m is not RevealedShares || m.Site != silent) eavesdropper.Hear(m); },
                };
                eavesdropper = new Eavesdropper(round.Plan);
                var summed = round.Play(s => s == silent ? Drop.BeforeInput : Drop.Never) is CoordinatorTurn.Summed;
                Assert.Equal(silent < 0 || sites > SecureRoundPlan.LeastContributors, summed);

                var honest = ((1 << sites) - 1) & ~tell;
                var survivors = silent < 0 ? honest : honest & ~(1 << silent);
                IEnumerable<int> expected = int.PopCount(tell) >= threshold ? Subsets(honest) : !summed || survivors == 0 ? [] : [survivors];
                Assert.Equal(expected, Learnt(round, eavesdropper, honest));
            }
        }
    }

    // The sets of these sites whose sum the eavesdropper knows.
    private static IEnumerable<int> Learnt(MaskedRound round, Eavesdropper eavesdropper, int among) => Subsets(among).Where(set =>
    {
        int[] sites = [.. Enumerable.Range(0, round.Plan.Sites.Count).Where(s => (set >> s & 1) != 0)];
        return eavesdropper.BestGuess(sites).AsSpan().SequenceEqual(round.PlainSum(sites));
    });

    private static IEnumerable<int> Subsets(int of) => Enumerable.Range(1, of).Where(set => (set & ~of) == 0);

    [Fact]
    public void A_masked_vector_looks_the_same_whatever_it_hides()
    {
        // Bytes of the masked input of a vector of zeros: their counts must be those of chance (χ² with 255 degrees of freedom).
        const int Length = 20_000;
        using var round = new MaskedRound(3, 2, length: Length);
        Array.Clear(round.Vectors[0]);
        round.Play();
        var packed = round.Seen.OfType<MaskedInput>().Single(m => m.Site == 0).Packed;
        var counts = new int[256];
        foreach (var b in packed) counts[b]++;
        var expected = packed.Length / 256.0;
        var squared = counts.Sum(c => (c - expected) * (c - expected) / expected);

        Assert.InRange(squared, 150, 400); // 255 ± 6 standard deviations
    }

    [Fact]
    public void A_coordinator_that_names_one_survivor_to_learn_its_vector_is_refused_by_every_site()
    {
        for (var victim = 0; victim < 4; victim++)
        {
            var alone = victim;
            using var round = new MaskedRound(4, 3) { ToSite = (_, message) => message is SurvivorList ? new SurvivorList([alone]) : message };

            Assert.IsType<CoordinatorTurn.Abandoned>(round.Play());
            Assert.Empty(round.Seen.OfType<RevealedShares>());
        }
    }

    [Fact]
    public void Told_different_stories_of_who_dropped_no_two_sites_help_to_take_both_masks_off_one()
    {
        // Half of the sites hear that 3 survived (its self mask), half that it dropped (its pair masks): together they would bare its vector.
        for (var split = 1; split < 15; split++)
        {
            var liedTo = split;
            using var round = new MaskedRound(4, 3, AdversaryModel.LyingCoordinator)
            {
                ToSite = (site, message) => message is SurvivorList && (liedTo >> site & 1) != 0 ? new SurvivorList([0, 1, 2]) : message,
            };
            round.Play();
            var about3 = round.Seen.OfType<RevealedShares>().ToList();
            Assert.False(about3.Any(r => r.SelfMaskShares.ContainsKey(3)) && about3.Any(r => r.MaskKeyShares.ContainsKey(3)), $"split {split} bares site 3");
        }
    }

    private static CoordinatorTurn Replay(MaskedRound round, IReadOnlyList<SiteMessage> seen, HashSet<int> heard)
    {
        var coordinator = CoordinatorMachine.Start(round.Plan, round.Directory);
        foreach (var step in new[] { typeof(KeyAdvert), typeof(SealedShares), typeof(MaskedInput), typeof(RevealedShares) })
        {
            foreach (var message in seen.Where(m => m.GetType() == step && (step != typeof(RevealedShares) || heard.Contains(m.Site))))
                coordinator = ((CoordinatorStep.Accepted)CoordinatorMachine.Receive(coordinator, message)).State;
            var turn = CoordinatorMachine.EndStep(coordinator);
            if (turn is CoordinatorTurn.Revealed revealed) return CoordinatorMachine.Unmask(revealed.State, new Inputs(seen));
            if (turn is not CoordinatorTurn.Next next) return turn;
            coordinator = next.State;
        }
        throw new InvalidOperationException("The round did not end.");
    }

    private sealed class Inputs(IReadOnlyList<SiteMessage> seen) : IMaskedInputs
    {
        public void Read(int site, long offset, Span<byte> destination) => seen.OfType<MaskedInput>().Single(m => m.Site == site).Packed.AsSpan((int)offset, destination.Length).CopyTo(destination);
    }
}
