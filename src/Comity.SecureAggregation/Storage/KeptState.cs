using System.Collections.Immutable;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Masking;
using Comity.SecureAggregation.Protocol;

namespace Comity.SecureAggregation.Storage;

/// <summary>States of a masked round as bytes, so that a killed process goes on with the keys that it had, and no mask ever hides two vectors.</summary>
/// <remarks>
/// <code>
/// version i32 | SHA-256 of the plan | kind i32 | fields … | SHA-256 of all before
/// </code>
/// A site's bytes hold its secrets: keep them where only the site can read them, overwrite them when the round is over. A coordinator's hold nothing secret.
/// </remarks>
public static class KeptState
{
    private const int Version = 1;

    /// <summary>A site's state, with what it last said.</summary>
    public static byte[] Save(SiteState state, SiteMessage? said)
    {
        ArgumentNullException.ThrowIfNull(state);
        var to = Begin(state.Plan);
        to.Number(state.Site);
        switch (state)
        {
            case AwaitingKeys s: to.Number(1); Keys(to, s); break;
            case AwaitingDelivery s: to.Number(2); Delivery(to, s); break;
            case AwaitingVector s: to.Number(3); Delivery(to, s.Before); Held(to, s.Held); break;
            case AwaitingSurvivors s: to.Number(4); Held(to, s.Held); break;
            case AwaitingSignatures s: to.Number(5); Held(to, s.Before.Held); to.Numbers(s.Survivors); break;
            case SiteFinished: to.Number(6); break;
            default: throw new ArgumentException("Not a state of this protocol.", nameof(state));
        }
        MessageStore.Write(to, said);
        return to.Finish();
    }

    /// <summary>A site's state again.</summary>
    /// <param name="bytes">As they were saved.</param>
    /// <param name="plan">The plan of the round.</param>
    /// <param name="identity">The site's long-lived key.</param>
    /// <param name="directory">Every site's public identity key by index.</param>
    /// <exception cref="InvalidDataException">The bytes are damaged, or of another round.</exception>
    public static (SiteState State, SiteMessage? Said) LoadSite(ReadOnlyMemory<byte> bytes, SecureRoundPlan plan, SiteIdentity identity, IReadOnlyDictionary<int, byte[]> directory)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(directory);
        var from = Begin(bytes, plan);
        var site = from.Number();
        if (!plan.Knows(site)) throw StateReader.Broken();
        AwaitingKeys KeysAgain() => new(plan, site, identity, directory, KeyAgain(from), KeyAgain(from));
        AwaitingDelivery DeliveryAgain() => new(KeysAgain(), from.Map(owner => MessageStore.Advert(from, owner)), new Secret(from.Bytes()), HeldAgain());
        HeldShares HeldAgain() => new(from.Bytes(), from.Bytes());
        AwaitingSurvivors SurvivorsAgain() => new(plan, site, identity, directory, from.Map(_ => HeldAgain()));
        SiteState state = from.Number() switch
        {
            1 => KeysAgain(),
            2 => DeliveryAgain(),
            3 => new AwaitingVector(DeliveryAgain(), from.Map(_ => HeldAgain())),
            4 => SurvivorsAgain(),
            5 => new AwaitingSignatures(SurvivorsAgain(), [.. from.Numbers()]),
            6 => new SiteFinished(plan, site),
            _ => throw StateReader.Broken(),
        };
        var said = MessageStore.Read(from);
        from.End();
        return (state, said);
    }

    /// <summary>The coordinator's state.</summary>
    public static byte[] Save(CoordinatorState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var to = Begin(state.Plan);
        switch (state)
        {
            case CollectingKeys s: to.Number(1); Adverts(to, s); break;
            case CollectingShares s: to.Number(2); Shares(to, s); break;
            case CollectingInputs s: to.Number(3); Inputs(to, s); break;
            case CollectingSignatures s: to.Number(4); Inputs(to, s.Before); to.Map(s.Signatures, bytes => to.Bytes(bytes)); break;
            case CollectingReveals s: to.Number(5); Inputs(to, s.Before); to.Map(s.Signatures, bytes => to.Bytes(bytes)); to.Map(s.Reveals, reveal => MessageStore.Reveal(to, reveal)); break;
            default: throw new ArgumentException("Not a state of this protocol.", nameof(state));
        }
        return to.Finish();
    }

    /// <summary>The coordinator's state again.</summary>
    /// <param name="bytes">As they were saved.</param>
    /// <param name="plan">The plan of the round.</param>
    /// <param name="directory">Every site's public identity key by index.</param>
    /// <exception cref="InvalidDataException">The bytes are damaged, or of another round.</exception>
    public static CoordinatorState LoadCoordinator(ReadOnlyMemory<byte> bytes, SecureRoundPlan plan, IReadOnlyDictionary<int, byte[]> directory)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(directory);
        var from = Begin(bytes, plan);
        CollectingKeys AdvertsAgain() => new(plan, directory, from.Map(site => MessageStore.Advert(from, site)));
        CollectingShares SharesAgain() => new(AdvertsAgain(), from.Map(site => MessageStore.Shares(from, site)));
        CollectingInputs InputsAgain() => new(SharesAgain(), [.. from.Numbers()]);
        CoordinatorState state = from.Number() switch
        {
            1 => AdvertsAgain(),
            2 => SharesAgain(),
            3 => InputsAgain(),
            4 => new CollectingSignatures(InputsAgain(), from.Map(_ => from.Bytes())),
            5 => new CollectingReveals(InputsAgain(), from.Map(_ => from.Bytes()), from.Map(site => MessageStore.Reveal(from, site))),
            _ => throw StateReader.Broken(),
        };
        from.End();
        return state;
    }

    private static StateWriter Begin(SecureRoundPlan plan)
    {
        var to = new StateWriter();
        to.Number(Version);
        to.Bytes(plan.DigestBytes);
        return to;
    }

    private static StateReader Begin(ReadOnlyMemory<byte> bytes, SecureRoundPlan plan)
    {
        var from = new StateReader(bytes);
        return from.Number() == Version && from.Bytes().AsSpan().SequenceEqual(plan.DigestBytes) ? from : throw StateReader.Broken();
    }

    private static void Keys(StateWriter to, AwaitingKeys state)
    {
        using var envelope = state.EnvelopeKey.ExportScalar();
        using var mask = state.MaskKey.ExportScalar();
        to.Bytes(envelope.Bytes);
        to.Bytes(mask.Bytes);
    }

    private static KeyAgreement KeyAgain(StateReader from)
    {
        using var scalar = new Secret(from.Bytes());
        return KeyAgreement.FromScalar(scalar);
    }

    private static void Delivery(StateWriter to, AwaitingDelivery state)
    {
        Keys(to, state.Before);
        to.Map(state.Keys, advert => MessageStore.Advert(to, advert));
        to.Bytes(state.SelfSeed.Bytes);
        Held(to, state.Own);
    }

    private static void Held(StateWriter to, ImmutableSortedDictionary<int, HeldShares> held) => to.Map(held, shares => Held(to, shares));

    private static void Held(StateWriter to, HeldShares shares)
    {
        to.Bytes(shares.SelfMask);
        to.Bytes(shares.MaskKey);
    }

    private static void Adverts(StateWriter to, CollectingKeys state) => to.Map(state.Adverts, advert => MessageStore.Advert(to, advert));

    private static void Shares(StateWriter to, CollectingShares state)
    {
        Adverts(to, state.Before);
        to.Map(state.Shares, shares => MessageStore.Shares(to, shares));
    }

    private static void Inputs(StateWriter to, CollectingInputs state)
    {
        Shares(to, state.Before);
        to.Numbers(state.Contributors);
    }
}
