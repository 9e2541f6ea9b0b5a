using System.Collections.Immutable;
using System.Security.Cryptography;
using Comity.SecureAggregation.FixedPoint;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Masking;
using Comity.SecureAggregation.Sharing;

namespace Comity.SecureAggregation.Protocol;

/// <summary>Takes a stretch of a sum.</summary>
/// <param name="offset">Place of the stretch's first word.</param>
/// <param name="words">Words modulo 2ᵇ.</param>
public delegate void WordSink(int offset, ReadOnlySpan<uint> words);

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
            (CollectingInputs at, MaskedInput input) => Input(at, input.Site, input.Packed.Length),
            (CollectingSignatures at, SurvivorSignature signature) => Signature(at, signature),
            (CollectingReveals at, RevealedShares reveal) => Reveal(at, reveal),
            _ => Refuse(state, RefusalCode.OutOfOrder, message.Site),
        };
    }

    /// <summary>Takes in that a site's masked vector has arrived, where the caller has stored it without reading it whole.</summary>
    /// <param name="state">Where the round stands.</param>
    /// <param name="site">Index of the sender.</param>
    /// <param name="bytes">How long the packed vector is.</param>
    public static CoordinatorStep ReceiveInput(CoordinatorState state, int site, long bytes)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state is not CollectingInputs at) return Refuse(state, RefusalCode.OutOfOrder, site);
        if (!at.Before.Shares.ContainsKey(site)) return Refuse(state, RefusalCode.UnknownSite, site);
        return at.Contributors.Contains(site) ? Refuse(state, RefusalCode.Repeated, site) : Input(at, site, bytes);
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
                return Next(new CollectingShares(at, ImmutableSortedDictionary<int, SealedShares>.Empty));
            case CollectingShares at:
                return Next(new CollectingInputs(at, []));
            case CollectingInputs at when at.Contributors.Count < SecureRoundPlan.LeastContributors:
                return new CoordinatorTurn.Abandoned(new(RefusalCode.TooFewSites, ""));
            case CollectingInputs at when plan.RequiredSignatures > 0:
                return Next(new CollectingSignatures(at, ImmutableSortedDictionary<int, byte[]>.Empty));
            case CollectingInputs at:
                return Next(new CollectingReveals(at, ImmutableSortedDictionary<int, byte[]>.Empty, ImmutableSortedDictionary<int, RevealedShares>.Empty));
            case CollectingSignatures at:
                return Next(new CollectingReveals(at.Before, at.Signatures, ImmutableSortedDictionary<int, RevealedShares>.Empty));
            case CollectingReveals at:
                return new CoordinatorTurn.Revealed(at);
            default:
                throw new ArgumentException("Not a state of this protocol.", nameof(state));
        }
    }

    /// <summary>What the step that a state stands in asks of whom: the messages of the turn that began it. Asked again, a site says what it said.</summary>
    /// <param name="state">Where the round stands; the first step has no messages, each site begins by itself.</param>
    public static IReadOnlyDictionary<int, CoordinatorMessage> MessagesOf(CoordinatorState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return state switch
        {
            CollectingShares at => To(at.Before.Adverts.Keys, _ => new KeyList([.. at.Before.Adverts.Values])),
            CollectingInputs at => To(at.Before.Shares.Keys, receiver => new Delivery(at.Before.Shares.Values
                .Where(shares => shares.Envelopes.ContainsKey(receiver))
                .ToImmutableSortedDictionary(shares => shares.Site, shares => shares.Envelopes[receiver]))),
            CollectingSignatures at => To(at.Before.Contributors, _ => new SurvivorList([.. at.Before.Contributors])),
            CollectingReveals { Plan.RequiredSignatures: > 0 } at => To(at.Asked, _ => new SignedSurvivorList(at.Signatures)),
            CollectingReveals at => To(at.Asked, _ => new SurvivorList([.. at.Before.Contributors])),
            _ => ImmutableSortedDictionary<int, CoordinatorMessage>.Empty,
        };

        static ImmutableSortedDictionary<int, CoordinatorMessage> To(IEnumerable<int> receivers, Func<int, CoordinatorMessage> message) =>
            receivers.ToImmutableSortedDictionary(receiver => receiver, message);
    }

    /// <summary>Adds the masked vectors up and takes the masks off, stretch by stretch.</summary>
    /// <param name="state">From <see cref="CoordinatorTurn.Revealed"/>.</param>
    /// <param name="inputs">The contributors' packed vectors, as they were received.</param>
    /// <returns>Summed or Abandoned.</returns>
    public static CoordinatorTurn Unmask(CollectingReveals state, IMaskedInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(state);
        var sum = new uint[state.Plan.Length];
        return Unmask(state, inputs, (at, words) => words.CopyTo(sum.AsSpan(at))) is { } why
            ? new CoordinatorTurn.Abandoned(why)
            : new CoordinatorTurn.Summed(sum, [.. state.Before.Contributors]);
    }

    /// <summary>Adds the masked vectors up and hands the sum on, stretch by stretch, so that it need not stand anywhere as a whole.</summary>
    /// <param name="state">From <see cref="CoordinatorTurn.Revealed"/>.</param>
    /// <param name="inputs">The contributors' packed vectors, as they were received.</param>
    /// <param name="sum">Takes the sum, from the first word to the last.</param>
    /// <returns>Null: the sum is exact. Else why it must be thrown away.</returns>
    public static Refusal? Unmask(CollectingReveals state, IMaskedInputs inputs, WordSink sum)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(sum);
        return Unmasking.Finish(state, inputs, sum);
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

    private static CoordinatorStep Input(CollectingInputs state, int site, long bytes) =>
        bytes == state.Plan.PackedBytes
            ? new CoordinatorStep.Accepted(new CollectingInputs(state.Before, state.Contributors.Add(site)))
            : Refuse(state, RefusalCode.Malformed, site);

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
            ? new CoordinatorStep.Accepted(new CollectingReveals(state.Before, state.Signatures, state.Reveals.Add(reveal.Site, reveal)))
            : Refuse(state, RefusalCode.WrongShare, reveal.Site);

        static bool Fits(byte[] share, byte[] hash) => CryptographicOperations.FixedTimeEquals(SHA256.HashData(share), hash);
    }

    private static CoordinatorTurn.Next Next(CoordinatorState state) => new(state, MessagesOf(state));

    private static CoordinatorStep.Refused Refuse(CoordinatorState state, RefusalCode code, int site) => new(Refusal.Of(code, state.Plan, site));
}
