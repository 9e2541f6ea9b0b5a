using System.Collections.Immutable;
using System.Security.Cryptography;
using Comity.SecureAggregation.FixedPoint;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Masking;
using Comity.SecureAggregation.Sharing;

namespace Comity.SecureAggregation.Protocol;

/// <summary>Makes a stretch of a vector.</summary>
/// <param name="offset">Place of the stretch's first word.</param>
/// <param name="words">Filled whole.</param>
public delegate void WordSource(int offset, Span<uint> words);

/// <summary>
/// A site's side of a masked round: state and message in, state and message out. It reads no clock, file or socket.
/// <code>
///  Start ──KeyAdvert──► AwaitingKeys ──SealedShares──► AwaitingDelivery ──► AwaitingVector
///        ──MaskedInput──► AwaitingSurvivors ─┬─────────────────────────RevealedShares──► SiteFinished
///                                            └─SurvivorSignature──► AwaitingSignatures ──┘   (lying coordinator)
/// </code>
/// </summary>
/// <remarks>Bonawitz et al. 2017 (ePrint 2017/281), with the graph of Bell et al. 2020 (ePrint 2020/704).</remarks>
public static class SiteMachine
{
    private const string MaskPurpose = "comity/secure-aggregation/v1/mask";
    internal const int SecretBytes = 32;

    /// <summary>Makes fresh keys for a round.</summary>
    /// <param name="plan">What was agreed.</param>
    /// <param name="site">This site's index.</param>
    /// <param name="identity">Its long-lived key.</param>
    /// <param name="directory">Every site's public identity key by index, from a source other than the coordinator's word in this round.</param>
    public static SiteStep.Taken Start(SecureRoundPlan plan, int site, SiteIdentity identity, IReadOnlyDictionary<int, byte[]> directory)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(directory);
        if (!plan.Knows(site)) throw new ArgumentOutOfRangeException(nameof(site), site, "Not in the plan.");
        var state = new AwaitingKeys(plan, site, identity, directory, KeyAgreement.Create(), KeyAgreement.Create());
        var signature = identity.Sign(plan.Statement("keys", [site], state.EnvelopeKey.PublicKey, state.MaskKey.PublicKey));
        return new(state, new KeyAdvert(site, state.EnvelopeKey.PublicKey, state.MaskKey.PublicKey, signature));
    }

    /// <summary>Answers the coordinator.</summary>
    public static SiteStep Receive(SiteState state, CoordinatorMessage message)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(message);
        return (state, message) switch
        {
            (AwaitingKeys at, KeyList list) => Share(at, list),
            (AwaitingDelivery at, Delivery delivery) => Open(at, delivery),
            (AwaitingSurvivors at, SurvivorList list) => Survive(at, list),
            (AwaitingSignatures at, SignedSurvivorList list) => Confirm(at, list),
            _ => Refuse(state, RefusalCode.OutOfOrder, state.Site),
        };
    }

    /// <summary>Masks this site's vector.</summary>
    /// <param name="state">After all shares are held.</param>
    /// <param name="vector">The plan's length of words, modulo 2ᵇ.</param>
    public static SiteStep.Taken Submit(AwaitingVector state, ReadOnlyMemory<uint> vector)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (vector.Length != state.Plan.Length) throw new ArgumentException($"The plan says {state.Plan.Length} words, the vector has {vector.Length}.", nameof(vector));
        return Submit(state, (at, words) => vector.Span.Slice(at, words.Length).CopyTo(words));
    }

    /// <summary>Masks this site's vector, which is made piece by piece and never stands anywhere as a whole.</summary>
    /// <param name="state">After all shares are held.</param>
    /// <param name="vector">Called for one stretch after another, from the first word to the last.</param>
    public static SiteStep.Taken Submit(AwaitingVector state, WordSource vector)
    {
        ArgumentNullException.ThrowIfNull(state);
        var packed = new byte[state.Plan.PackedBytes];
        return new(Submit(state, vector, packed), new MaskedInput(state.Site, packed));
    }

    /// <summary>Masks this site's vector into memory of the caller.</summary>
    /// <param name="state">After all shares are held.</param>
    /// <param name="vector">Called for one stretch after another, from the first word to the last.</param>
    /// <param name="packed">What is to be sent, <see cref="SecureRoundPlan.PackedBytes"/> long; overwritten.</param>
    /// <returns>The state from here on. Store it, and what is to be sent, before sending.</returns>
    public static AwaitingSurvivors Submit(AwaitingVector state, WordSource vector, Span<byte> packed)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(vector);
        var plan = state.Plan;
        if (packed.Length != plan.PackedBytes) throw new ArgumentException($"A masked vector has {plan.PackedBytes} bytes.", nameof(packed));
        using var masks = new MaskStreams();
        masks.Add(state.Before.SelfSeed);
        foreach (var other in state.Held.Keys.Where(owner => owner != state.Site))
        {
            using var seed = PairSeed(plan, state.Before.Before.MaskKey, state.Site, other, state.Before.Keys[other].MaskKey);
            if (state.Site < other) masks.Add(seed);
            else masks.Subtract(seed);
        }
        var chunk = new uint[Math.Min(MaskStreams.ChunkWords, plan.Words)];
        var checksum = 0u;
        for (var at = 0; at < plan.Words; at += chunk.Length)
        {
            var words = chunk.AsSpan(0, Math.Min(chunk.Length, plan.Words - at));
            var own = words[..Math.Min(words.Length, plan.Length - at)];
            vector(at, own);
            checksum = unchecked(checksum + Checksum.Of(own, at));
            if (own.Length < words.Length) words[^1] = checksum;
            masks.Apply(words);
            RingPacking.Pack(words, plan.Bits, packed[RingPacking.PackedBytes(at, plan.Bits)..]);
        }
        Array.Clear(chunk);
        return new AwaitingSurvivors(state);
    }

    internal static Secret PairSeed(SecureRoundPlan plan, KeyAgreement own, int ownSite, int other, ReadOnlySpan<byte> otherKey) =>
        own.Agree(otherKey, MaskPurpose, plan.Statement("mask", [Math.Min(ownSite, other), Math.Max(ownSite, other)]));

    private static SiteStep Share(AwaitingKeys state, KeyList list)
    {
        var plan = state.Plan;
        var keys = ImmutableSortedDictionary.CreateBuilder<int, KeyAdvert>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var advert in list.Adverts)
        {
            if (!plan.Knows(advert.Site)) return Refuse(state, RefusalCode.UnknownSite, advert.Site);
            if (!keys.TryAdd(advert.Site, advert)) return Refuse(state, RefusalCode.Repeated, advert.Site);
            if (AdvertProblem(plan, state.Directory, advert, seen) is { } code) return Refuse(state, code, advert.Site);
        }
        if (!keys.TryGetValue(state.Site, out var own) || !own.MaskKey.AsSpan().SequenceEqual(state.MaskKey.PublicKey) || !own.EnvelopeKey.AsSpan().SequenceEqual(state.EnvelopeKey.PublicKey))
            return Refuse(state, RefusalCode.BadKey, state.Site);

        var holders = plan.HoldersOf(state.Site);
        if (holders.Count(keys.ContainsKey) < plan.Threshold) return Refuse(state, RefusalCode.TooFewSites, state.Site);

        var seed = Secret.Random(SecretBytes);
        using var scalar = state.MaskKey.ExportScalar();
        var seedShares = ShamirSharing.Split(seed, plan.Threshold, holders.Length);
        var keyShares = ShamirSharing.Split(scalar, plan.Threshold, holders.Length);
        var envelopes = ImmutableSortedDictionary.CreateBuilder<int, byte[]>();
        var (seedHashes, keyHashes) = (ImmutableSortedDictionary.CreateBuilder<int, byte[]>(), ImmutableSortedDictionary.CreateBuilder<int, byte[]>());
        HeldShares? kept = null;
        for (var i = 0; i < holders.Length; i++)
        {
            var holder = holders[i];
            seedHashes[holder] = SHA256.HashData(seedShares[i]);
            keyHashes[holder] = SHA256.HashData(keyShares[i]);
            if (holder == state.Site)
            {
                kept = new(seedShares[i], keyShares[i]);
            }
            else if (keys.TryGetValue(holder, out var advert))
            {
                byte[] both = [.. seedShares[i], .. keyShares[i]];
                envelopes[holder] = ShareEnvelope.Seal(state.EnvelopeKey, advert.EnvelopeKey, plan.Statement("share", [state.Site, holder]), both);
                CryptographicOperations.ZeroMemory(both);
                CryptographicOperations.ZeroMemory(seedShares[i]);
                CryptographicOperations.ZeroMemory(keyShares[i]);
            }
        }
        var message = new SealedShares(state.Site, envelopes.ToImmutable(), seedHashes.ToImmutable(), keyHashes.ToImmutable());
        return new SiteStep.Taken(new AwaitingDelivery(state, keys.ToImmutable(), seed, kept!), message);
    }

    internal static RefusalCode? AdvertProblem(SecureRoundPlan plan, IReadOnlyDictionary<int, byte[]> directory, KeyAdvert advert, HashSet<string> seen)
    {
        if (!directory.TryGetValue(advert.Site, out var identity)
            || !SiteIdentity.Verify(identity, plan.Statement("keys", [advert.Site], advert.EnvelopeKey, advert.MaskKey), advert.Signature))
            return RefusalCode.BadSignature;

        // One key in two places would let a share or a mask be replayed against its owner.
        return KeyAgreement.IsPublicKey(advert.EnvelopeKey) && KeyAgreement.IsPublicKey(advert.MaskKey)
            && seen.Add(Convert.ToHexString(advert.EnvelopeKey)) && seen.Add(Convert.ToHexString(advert.MaskKey)) ? null : RefusalCode.BadKey;
    }

    private static SiteStep Open(AwaitingDelivery state, Delivery delivery)
    {
        var plan = state.Plan;
        var held = ImmutableSortedDictionary.CreateBuilder<int, HeldShares>();
        held[state.Site] = state.Own;
        var size = ShamirSharing.ShareBytes(SecretBytes);
        foreach (var (sender, envelope) in delivery.Envelopes)
        {
            if (sender == state.Site || !plan.Graph.NeighboursOf(state.Site).Contains(sender) || !state.Keys.TryGetValue(sender, out var advert))
                return Refuse(state, RefusalCode.UnknownSite, sender);
            var both = ShareEnvelope.Open(state.Before.EnvelopeKey, advert.EnvelopeKey, plan.Statement("share", [sender, state.Site]), envelope, 2 * size);
            if (both is null) return Refuse(state, RefusalCode.BrokenEnvelope, sender);
            held[sender] = new(both[..size], both[size..]);
            CryptographicOperations.ZeroMemory(both);
        }
        return held.Count < plan.Threshold
            ? Refuse(state, RefusalCode.TooFewSites, state.Site)
            : new SiteStep.Taken(new AwaitingVector(state, held.ToImmutable()), null);
    }

    private static SiteStep Survive(AwaitingSurvivors state, SurvivorList list)
    {
        var plan = state.Plan;
        var survivors = list.Survivors.ToImmutableArray();
        for (var i = 0; i < survivors.Length; i++)
        {
            if (!plan.Knows(survivors[i])) return Refuse(state, RefusalCode.UnknownSite, survivors[i]);
            if (i > 0 && survivors[i] <= survivors[i - 1]) return Refuse(state, RefusalCode.Malformed, survivors[i]);
        }

        // A neighbour that never shared with this site can't have survived; a list without this site is not its business.
        if (!survivors.Contains(state.Site)) return Refuse(state, RefusalCode.BadSurvivors, state.Site);
        var stranger = survivors.Where(site => plan.Graph.NeighboursOf(state.Site).Contains(site)).Append(-1).FirstOrDefault(site => site >= 0 && !state.Held.ContainsKey(site), -1);
        if (stranger >= 0) return Refuse(state, RefusalCode.BadSurvivors, stranger);
        if (state.Held.Keys.Count(site => survivors.Contains(site)) < plan.Threshold || survivors.Length < Math.Max(plan.RequiredSignatures, SecureRoundPlan.LeastContributors))
            return Refuse(state, RefusalCode.TooFewSites, state.Site);

        if (plan.RequiredSignatures == 0) return Reveal(state, survivors);
        var signature = state.Identity.Sign(plan.Statement("survivors", survivors.AsSpan()));
        return new SiteStep.Taken(new AwaitingSignatures(state, survivors), new SurvivorSignature(state.Site, signature));
    }

    private static SiteStep Confirm(AwaitingSignatures state, SignedSurvivorList list)
    {
        // Two lists with more than 2n/3 signatures each would need a site that signed both.
        var statement = state.Plan.Statement("survivors", state.Survivors.AsSpan());
        foreach (var (site, signature) in list.Signatures)
        {
            if (!state.Survivors.Contains(site)) return Refuse(state, RefusalCode.UnknownSite, site);
            if (!state.Before.Directory.TryGetValue(site, out var identity) || !SiteIdentity.Verify(identity, statement, signature))
                return Refuse(state, RefusalCode.BadSignature, site);
        }
        return list.Signatures.Count < state.Plan.RequiredSignatures
            ? Refuse(state, RefusalCode.TooFewSites, state.Site)
            : Reveal(state.Before, state.Survivors);
    }

    private static SiteStep.Taken Reveal(AwaitingSurvivors state, ImmutableArray<int> survivors)
    {
        var selfMasks = ImmutableSortedDictionary.CreateBuilder<int, byte[]>();
        var maskKeys = ImmutableSortedDictionary.CreateBuilder<int, byte[]>();
        foreach (var (owner, shares) in state.Held)
        {
            // One or the other, never both: together they would lay that site's vector bare.
            if (survivors.Contains(owner)) selfMasks[owner] = [.. shares.SelfMask];
            else maskKeys[owner] = [.. shares.MaskKey];
        }
        return new(new SiteFinished(state.Plan, state.Site), new RevealedShares(state.Site, selfMasks.ToImmutable(), maskKeys.ToImmutable()));
    }

    private static SiteStep.Refused Refuse(SiteState state, RefusalCode code, int site) => new(Refusal.Of(code, state.Plan, site));
}
