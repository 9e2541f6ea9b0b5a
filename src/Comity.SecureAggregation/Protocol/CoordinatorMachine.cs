using System.Collections.Immutable;
using System.Security.Cryptography;
using Comity.SecureAggregation.FixedPoint;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Masking;
using Comity.SecureAggregation.Sharing;

namespace Comity.SecureAggregation.Protocol;

/// <summary>
/// The coordinator's side of a masked round: state and message in, state out; when it decides that a step is over (all answered, or
/// patience ended), <see cref="EndStep"/> gives the messages of the next one. Who did not answer has dropped out.
/// <code>
///  CollectingKeys ─► CollectingShares ─► CollectingInputs ─┬────────────────────────► CollectingReveals ─► Summed
///                                                          └─► CollectingSignatures ──┘
/// </code>
/// </summary>
/// <remarks>Bonawitz et al. 2017 (ePrint 2017/281), with the graph of Bell et al. 2020 (ePrint 2020/704).</remarks>
public static class CoordinatorMachine
{
    /// <summary>Begins a round.</summary>
    /// <param name="plan">What was agreed.</param>
    /// <param name="directory">Every site's public identity key by index.</param>
    public static CoordinatorState Start(SecureRoundPlan plan, IReadOnlyDictionary<int, byte[]> directory)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(directory);
        return new CollectingKeys(plan, directory, ImmutableSortedDictionary<int, KeyAdvert>.Empty);
    }

    /// <summary>Takes a site's message in.</summary>
    public static CoordinatorStep Receive(CoordinatorState state, SiteMessage message)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(message);
        if (!state.Plan.Knows(message.Site)) return Refuse(state, RefusalCode.UnknownSite, message.Site);
        if (Expects(state, message) is not { } expected) return Refuse(state, RefusalCode.OutOfOrder, message.Site);
        if (!expected) return Refuse(state, RefusalCode.UnknownSite, message.Site);
        if (state.Answered.Contains(message.Site)) return Refuse(state, RefusalCode.Repeated, message.Site);
        return (state, message) switch
        {
            (CollectingKeys at, KeyAdvert advert) => Keys(at, advert),
            (CollectingShares at, SealedShares shares) => Shares(at, shares),
            (CollectingInputs at, MaskedInput input) => Input(at, input),
            (CollectingSignatures at, SurvivorSignature signature) => Signature(at, signature),
            (CollectingReveals at, RevealedShares reveal) => Reveal(at, reveal),
            _ => Refuse(state, RefusalCode.OutOfOrder, message.Site),
        };
    }

    /// <summary>Ends the step with the answers that are there.</summary>
    public static CoordinatorTurn EndStep(CoordinatorState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var plan = state.Plan;
        var least = plan.RequiredSignatures == 0 ? plan.Threshold : Math.Max(plan.Threshold, plan.RequiredSignatures);
        if (state.Answered.Count < least) return new CoordinatorTurn.Abandoned(new(RefusalCode.TooFewSites, ""));
        switch (state)
        {
            case CollectingKeys at:
                var list = new KeyList([.. at.Adverts.Values]);
                return Next(new CollectingShares(at, ImmutableSortedDictionary<int, SealedShares>.Empty), at.Adverts.Keys, _ => list);
            case CollectingShares at:
                return Next(new CollectingInputs(at, []), at.Shares.Keys, receiver => new Delivery(at.Shares.Values
                    .Where(shares => shares.Envelopes.ContainsKey(receiver))
                    .ToImmutableSortedDictionary(shares => shares.Site, shares => shares.Envelopes[receiver])));
            case CollectingInputs at when at.Contributors.Count < SecureRoundPlan.LeastContributors:
                return new CoordinatorTurn.Abandoned(new(RefusalCode.TooFewSites, ""));
            case CollectingInputs at when plan.RequiredSignatures > 0:
                return Next(new CollectingSignatures(at, ImmutableSortedDictionary<int, byte[]>.Empty), at.Contributors, _ => new SurvivorList([.. at.Contributors]));
            case CollectingInputs at:
                return Next(new CollectingReveals(at, at.Contributors, ImmutableSortedDictionary<int, RevealedShares>.Empty), at.Contributors, _ => new SurvivorList([.. at.Contributors]));
            case CollectingSignatures at:
                return Next(new CollectingReveals(at.Before, [.. at.Signatures.Keys], ImmutableSortedDictionary<int, RevealedShares>.Empty), at.Signatures.Keys, _ => new SignedSurvivorList(at.Signatures));
            case CollectingReveals at:
                return new CoordinatorTurn.Revealed(at);
            default:
                throw new ArgumentException("Not a state of this protocol.", nameof(state));
        }
    }

    /// <summary>Adds the masked vectors up and takes the masks off, stretch by stretch.</summary>
    /// <param name="state">From <see cref="CoordinatorTurn.Revealed"/>.</param>
    /// <param name="inputs">The contributors' packed vectors, as they were received.</param>
    /// <returns>Summed or Abandoned.</returns>
    public static CoordinatorTurn Unmask(CollectingReveals state, IMaskedInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(inputs);
        return Unmasking.Finish(state, inputs);
    }

    // Null: a message of another step; false: of this step, but from a site that has dropped out before.
    private static bool? Expects(CoordinatorState state, SiteMessage message) => (state, message) switch
    {
        (CollectingKeys, KeyAdvert) => true,
        (CollectingShares at, SealedShares) => at.Before.Adverts.ContainsKey(message.Site),
        (CollectingInputs at, MaskedInput) => at.Before.Shares.ContainsKey(message.Site),
        (CollectingSignatures at, SurvivorSignature) => at.Before.Contributors.Contains(message.Site),
        (CollectingReveals at, RevealedShares) => at.Asked.Contains(message.Site),
        _ => null,
    };

    private static CoordinatorStep Keys(CollectingKeys state, KeyAdvert advert)
    {
        var seen = state.Adverts.Values.SelectMany(other => new[] { Convert.ToHexString(other.EnvelopeKey), Convert.ToHexString(other.MaskKey) }).ToHashSet(StringComparer.Ordinal);
        return SiteMachine.AdvertProblem(state.Plan, state.Directory, advert, seen) is { } code
            ? Refuse(state, code, advert.Site)
            : new CoordinatorStep.Accepted(new CollectingKeys(state.Plan, state.Directory, state.Adverts.Add(advert.Site, advert)));
    }

    private static CoordinatorStep Shares(CollectingShares state, SealedShares shares)
    {
        var holders = state.Plan.HoldersOf(shares.Site);
        var receivers = holders.Where(holder => holder != shares.Site && state.Before.Adverts.ContainsKey(holder));
        var whole = shares.Envelopes.Keys.Order().SequenceEqual(receivers)
            && Hashes(shares.SelfMaskHashes) && Hashes(shares.MaskKeyHashes);
        return whole
            ? new CoordinatorStep.Accepted(new CollectingShares(state.Before, state.Shares.Add(shares.Site, shares)))
            : Refuse(state, RefusalCode.Malformed, shares.Site);

        bool Hashes(IReadOnlyDictionary<int, byte[]> hashes) =>
            hashes.Keys.Order().SequenceEqual(holders) && hashes.Values.All(hash => hash.Length == SHA256.HashSizeInBytes);
    }

    private static CoordinatorStep Input(CollectingInputs state, MaskedInput input) =>
        input.Packed.Length == state.Plan.PackedBytes
            ? new CoordinatorStep.Accepted(new CollectingInputs(state.Before, state.Contributors.Add(input.Site)))
            : Refuse(state, RefusalCode.Malformed, input.Site);

    private static CoordinatorStep Signature(CollectingSignatures state, SurvivorSignature signature)
    {
        var statement = state.Plan.Statement("survivors", state.Before.Contributors.ToArray());
        return state.Directory.TryGetValue(signature.Site, out var identity) && SiteIdentity.Verify(identity, statement, signature.Signature)
            ? new CoordinatorStep.Accepted(new CollectingSignatures(state.Before, state.Signatures.Add(signature.Site, signature.Signature)))
            : Refuse(state, RefusalCode.BadSignature, signature.Site);
    }

    private static CoordinatorStep Reveal(CollectingReveals state, RevealedShares reveal)
    {
        var shared = state.Before.Before.Shares;
        var owners = state.Plan.HoldersOf(reveal.Site).Where(shared.ContainsKey).ToList();
        if (!reveal.SelfMaskShares.Keys.Order().SequenceEqual(owners.Where(state.Before.Contributors.Contains))
            || !reveal.MaskKeyShares.Keys.Order().SequenceEqual(owners.Where(owner => !state.Before.Contributors.Contains(owner))))
            return Refuse(state, RefusalCode.Malformed, reveal.Site);
        var right = reveal.SelfMaskShares.All(share => Fits(share.Value, shared[share.Key].SelfMaskHashes[reveal.Site]))
            && reveal.MaskKeyShares.All(share => Fits(share.Value, shared[share.Key].MaskKeyHashes[reveal.Site]));
        return right
            ? new CoordinatorStep.Accepted(new CollectingReveals(state.Before, state.Asked, state.Reveals.Add(reveal.Site, reveal)))
            : Refuse(state, RefusalCode.WrongShare, reveal.Site);

        static bool Fits(byte[] share, byte[] hash) => CryptographicOperations.FixedTimeEquals(SHA256.HashData(share), hash);
    }

    private static CoordinatorTurn.Next Next(CoordinatorState state, IEnumerable<int> receivers, Func<int, CoordinatorMessage> message) =>
        new(state, receivers.ToImmutableSortedDictionary(receiver => receiver, message));

    private static CoordinatorStep.Refused Refuse(CoordinatorState state, RefusalCode code, int site) => new(Refusal.Of(code, state.Plan, site));
}
