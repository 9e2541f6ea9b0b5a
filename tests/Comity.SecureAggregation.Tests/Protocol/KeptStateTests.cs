using Comity.SecureAggregation.Graphs;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Protocol;
using Comity.SecureAggregation.Storage;

namespace Comity.SecureAggregation.Tests.Protocol;

public sealed class KeptStateTests
{
    [Theory]
    [InlineData(AdversaryModel.SemiHonest)]
    [InlineData(AdversaryModel.LyingCoordinator)]
    public void A_round_whose_states_are_read_back_between_all_steps_gives_the_exact_sum(AdversaryModel adversary)
    {
        using var round = new MaskedRound(7, 5, adversary, length: 50) { Kept = true };
        var summed = Assert.IsType<CoordinatorTurn.Summed>(round.Play(site => site == 3 ? Drop.BeforeInput : site == 5 ? Drop.BeforeReveal : Drop.Never));
        Assert.Equal([0, 1, 2, 4, 5, 6], summed.Contributors);
        Assert.Equal(round.PlainSum(summed.Contributors), summed.Sum);
        Assert.Empty(round.Refusals);
    }

    [Fact]
    public void A_message_that_was_kept_is_sent_again_word_for_word_and_the_keys_are_the_same()
    {
        using var identity = SiteIdentity.Create();
        using var round = new MaskedRound(4, 3);
        var begun = round.Begin(2);
        var advert = (KeyAdvert)begun.Message!;
        var bytes = KeptState.Save(begun.State, advert);
        var (state, said) = KeptState.LoadSite(bytes, round.Plan, identity, round.Directory);
        var again = Assert.IsType<KeyAdvert>(said);
        Assert.Equal((advert.Site, Convert.ToHexString(advert.EnvelopeKey), Convert.ToHexString(advert.MaskKey), Convert.ToHexString(advert.Signature)),
            (again.Site, Convert.ToHexString(again.EnvelopeKey), Convert.ToHexString(again.MaskKey), Convert.ToHexString(again.Signature)));
        Assert.Equal(advert.MaskKey, Assert.IsType<AwaitingKeys>(state).MaskKey.PublicKey);
    }

    [Fact]
    public void Bytes_that_were_changed_cut_or_are_of_another_round_are_refused()
    {
        using var round = new MaskedRound(4, 3);
        using var other = new MaskedRound(5, 3);
        using var identity = SiteIdentity.Create();
        var begun = round.Begin(1);
        var bytes = KeptState.Save(begun.State, begun.Message);
        for (var at = 0; at < bytes.Length; at += 7)
        {
            var changed = (byte[])bytes.Clone();
            changed[at] ^= 4;
            Assert.Throws<InvalidDataException>(() => KeptState.LoadSite(changed, round.Plan, identity, round.Directory));
        }
        Assert.Throws<InvalidDataException>(() => KeptState.LoadSite(bytes.AsMemory(0, bytes.Length - 1), round.Plan, identity, round.Directory));
        Assert.Throws<InvalidDataException>(() => KeptState.LoadSite(bytes, other.Plan, identity, other.Directory));
        Assert.Throws<InvalidDataException>(() => KeptState.LoadCoordinator(bytes, round.Plan, round.Directory));
    }

    [Fact]
    public void A_sum_of_two_is_never_taken()
    {
        using var round = new MaskedRound(3, 2);
        var turn = round.Play(site => site == 1 ? Drop.BeforeInput : Drop.Never);
        Assert.Equal(RefusalCode.TooFewSites, Assert.IsType<CoordinatorTurn.Abandoned>(turn).Why.Code);

        // And a site reveals nothing for one, whatever the coordinator says.
        using var lying = new MaskedRound(3, 2) { ToSite = (_, message) => message is SurvivorList ? new SurvivorList([0, 2]) : message };
        Assert.IsType<CoordinatorTurn.Abandoned>(lying.Play());
        Assert.Empty(lying.Seen.OfType<RevealedShares>());
    }
}
