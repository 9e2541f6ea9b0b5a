using System.Collections.Immutable;
using System.Globalization;
using Comity.SecureAggregation.Graphs;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Protocol;

namespace Comity.SecureAggregation.Tests.Protocol;

public sealed class RefusalTests
{
    private static byte[] Flipped(byte[] bytes, int at = 0)
    {
        var changed = (byte[])bytes.Clone();
        changed[at] ^= 1;
        return changed;
    }

    private static void AssertNamed(MaskedRound round, RefusalCode code, string site) =>
        Assert.Contains(round.Refusals, refusal => refusal == new Refusal(code, site));

    [Fact]
    public void A_forged_key_is_refused_and_the_round_goes_on_without_the_site()
    {
        using var round = new MaskedRound(4, 3) { FromSite = message => message is KeyAdvert { Site: 2 } advert ? advert with { MaskKey = Flipped(advert.MaskKey, 5) } : message };
        var turn = Assert.IsType<CoordinatorTurn.Summed>(round.Play());
        AssertNamed(round, RefusalCode.BadSignature, "site-2");
        Assert.Equal([0, 1, 3], turn.Contributors);
    }

    [Fact]
    public void A_coordinator_that_puts_its_own_key_in_place_of_a_sites_is_refused_by_everyone()
    {
        using var stranger = SiteIdentity.Create();
        using var own = KeyAgreement.Create();
        using var model = new MaskedRound(4, 3);
        using var round = new MaskedRound(4, 3)
        {
            ToSite = (_, message) => message is KeyList list ? new KeyList([.. list.Adverts.Select(advert => advert.Site == 1 ? Swapped(advert) : advert)]) : message,
        };

        // Both rounds have one plan, hence one statement.
        KeyAdvert Swapped(KeyAdvert advert) =>
            advert with { MaskKey = own.PublicKey, Signature = stranger.Sign(model.Plan.Statement("keys", [1], advert.EnvelopeKey, own.PublicKey)) };

        Assert.IsType<CoordinatorTurn.Abandoned>(round.Play());
        Assert.Equal(4, round.Refusals.Count(refusal => refusal == new Refusal(RefusalCode.BadSignature, "site-1")));
    }

    [Fact]
    public void A_changed_envelope_is_refused_by_its_receiver_and_names_the_sender()
    {
        using var round = new MaskedRound(4, 3)
        {
            ToSite = (site, message) => message is Delivery delivery && site == 0
                ? new Delivery(delivery.Envelopes.ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Key == 3 ? Flipped(pair.Value, 20) : pair.Value))
                : message,
        };
        var turn = Assert.IsType<CoordinatorTurn.Summed>(round.Play());
        AssertNamed(round, RefusalCode.BrokenEnvelope, "site-3");
        Assert.Equal([1, 2, 3], turn.Contributors);
        Assert.Equal(round.PlainSum([1, 2, 3]), turn.Sum);
    }

    [Fact]
    public void An_envelope_for_another_site_does_not_open()
    {
        using var round = new MaskedRound(4, 3)
        {
            ToSite = (site, message) => message is Delivery delivery && site == 0
                ? new Delivery(delivery.Envelopes.ToImmutableSortedDictionary(pair => pair.Key, pair => delivery.Envelopes[pair.Key == 1 ? 2 : 1]))
                : message,
        };
        round.Play();
        AssertNamed(round, RefusalCode.BrokenEnvelope, "site-1");
    }

    [Fact]
    public void A_wrong_share_is_refused_by_name_and_the_others_are_enough()
    {
        using var round = new MaskedRound(5, 3)
        {
            FromSite = message => message is RevealedShares { Site: 4 } reveal
                ? reveal with { SelfMaskShares = reveal.SelfMaskShares.ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Key == 0 ? Flipped(pair.Value) : pair.Value) }
                : message,
        };
        var turn = Assert.IsType<CoordinatorTurn.Summed>(round.Play(site => site == 1 ? Drop.BeforeInput : Drop.Never));
        AssertNamed(round, RefusalCode.WrongShare, "site-4");
        Assert.Equal(round.PlainSum([0, 2, 3, 4]), turn.Sum);
    }

    [Fact]
    public void Two_lists_of_survivors_in_one_round_reveal_nothing()
    {
        // The coordinator tells sites 0 and 1 that 3 has dropped, and the others that nobody has.
        using var round = new MaskedRound(4, 3, AdversaryModel.LyingCoordinator)
        {
            ToSite = (site, message) => message is SurvivorList && site < 2 ? new SurvivorList([0, 1, 2]) : message,
        };
        Assert.IsType<CoordinatorTurn.Abandoned>(round.Play());
        AssertNamed(round, RefusalCode.BadSignature, "site-0");
        Assert.Empty(round.Seen.OfType<RevealedShares>());
    }

    [Fact]
    public void A_site_that_has_signed_one_list_answers_no_other()
    {
        SiteState? signed = null;
        using var round = new MaskedRound(4, 3, AdversaryModel.LyingCoordinator);
        var coordinator = CoordinatorMachine.Start(round.Plan, round.Directory);
        var states = Enumerable.Range(0, 4).Select(round.Begin).ToList();
        foreach (var begun in states) coordinator = ((CoordinatorStep.Accepted)CoordinatorMachine.Receive(coordinator, begun.Message!)).State;
        var at = states.ToDictionary(begun => begun.State.Site, begun => begun.State);
        for (var step = 0; step < 3; step++)
        {
            var next = (CoordinatorTurn.Next)CoordinatorMachine.EndStep(coordinator);
            coordinator = next.State;
            foreach (var (site, message) in next.Messages)
            {
                var taken = (SiteStep.Taken)SiteMachine.Receive(at[site], message);
                if (taken.State is AwaitingVector ready) taken = SiteMachine.Submit(ready, round.Vectors[site]);
                at[site] = taken.State;
                coordinator = ((CoordinatorStep.Accepted)CoordinatorMachine.Receive(coordinator, taken.Message!)).State;
            }
        }
        signed = at[0];

        Assert.IsType<AwaitingSignatures>(signed);
        var refused = Assert.IsType<SiteStep.Refused>(SiteMachine.Receive(signed, new SurvivorList([0, 1, 2])));
        Assert.Equal(RefusalCode.OutOfOrder, refused.Why.Code);
        var few = Assert.IsType<SiteStep.Refused>(SiteMachine.Receive(signed, new SignedSurvivorList(ImmutableSortedDictionary<int, byte[]>.Empty)));
        Assert.Equal(RefusalCode.TooFewSites, few.Why.Code);
    }

    [Fact]
    public void Truncated_repeated_strange_and_untimely_messages_are_refused_and_change_nothing()
    {
        using var round = new MaskedRound(3, 2);
        var coordinator = CoordinatorMachine.Start(round.Plan, round.Directory);
        var advert = (KeyAdvert)round.Begin(0).Message!;
        coordinator = ((CoordinatorStep.Accepted)CoordinatorMachine.Receive(coordinator, advert)).State;

        RefusalCode Code(SiteMessage message) => ((CoordinatorStep.Refused)CoordinatorMachine.Receive(coordinator, message)).Why.Code;
        Assert.Equal(RefusalCode.Repeated, Code(advert));
        Assert.Equal(RefusalCode.UnknownSite, Code(advert with { Site = 7 }));
        Assert.Equal(RefusalCode.BadSignature, Code(advert with { Site = 1 }));
        Assert.Equal(RefusalCode.OutOfOrder, Code(new MaskedInput(0, [1, 2])));
        Assert.Equal([0], coordinator.Answered);
        Assert.IsType<CoordinatorTurn.Abandoned>(CoordinatorMachine.EndStep(coordinator));
    }

    [Fact]
    public void A_truncated_vector_is_refused_by_name()
    {
        using var round = new MaskedRound(4, 3) { FromSite = message => message is MaskedInput { Site: 1 } input ? input with { Packed = input.Packed[..^1] } : message };
        var turn = Assert.IsType<CoordinatorTurn.Summed>(round.Play());
        AssertNamed(round, RefusalCode.Malformed, "site-1");
        Assert.Equal(round.PlainSum([0, 2, 3]), turn.Sum);
    }

    [Fact]
    public void A_vector_that_was_changed_on_the_way_shows_in_the_checksum()
    {
        using var round = new MaskedRound(4, 3) { FromSite = message => message is MaskedInput { Site: 1 } input ? input with { Packed = Flipped(input.Packed, 9) } : message };
        Assert.Equal(RefusalCode.SumNotExact, Assert.IsType<CoordinatorTurn.Abandoned>(round.Play()).Why.Code);
    }

    [Fact]
    public void Plans_that_cannot_be_safe_are_refused()
    {
        string[] names = ["a", "b", "c", "d"];
        Assert.Throws<ArgumentException>(() => new SecureRoundPlan("s", 0, names[..2], 2, AdversaryModel.SemiHonest, 1, 32));
        Assert.Throws<ArgumentException>(() => new SecureRoundPlan("s", 0, names, 5, AdversaryModel.SemiHonest, 1, 32));
        Assert.Throws<ArgumentException>(() => new SecureRoundPlan("s", 0, names, 2, AdversaryModel.SemiHonest, 1, 32));
        Assert.Throws<ArgumentException>(() => new SecureRoundPlan("s", 0, [.. names, "e", "f"], 4, AdversaryModel.LyingCoordinator, 1, 32));
        Assert.Throws<ArgumentException>(() => new SecureRoundPlan("s", 0, ["a", "b", "a"], 2, AdversaryModel.SemiHonest, 1, 32));
        Assert.Equal(5, new SecureRoundPlan("s", 0, [.. names, "e", "f"], 5, AdversaryModel.LyingCoordinator, 1, 32).Threshold);
    }

    [Fact]
    public void Every_refusal_has_its_text_in_both_languages_and_no_state_prints_a_secret()
    {
        foreach (var code in Enum.GetValues<RefusalCode>())
        {
            var refusal = new Refusal(code, "site-1");
            Assert.NotEqual(refusal.Describe(CultureInfo.GetCultureInfo("en")), refusal.Describe(CultureInfo.GetCultureInfo("zh-Hans")));
        }
        using var round = new MaskedRound(3, 2);
        Assert.EndsWith("[redacted]", round.Begin(0).State.ToString(), StringComparison.Ordinal);
    }
}
