using System.Security.Cryptography;
using Comity.SecureAggregation.FixedPoint;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Masking;
using Comity.SecureAggregation.Sharing;

namespace Comity.SecureAggregation.Protocol;

/// <summary>Takes the masks off the sum: the survivors' self masks, and what the dropped left in their neighbours' vectors.</summary>
internal static class Unmasking
{
    public static Refusal? Finish(CollectingReveals state, IMaskedInputs vectors, WordSink sum)
    {
        var (plan, inputs) = (state.Plan, state.Before);
        using var masks = new MaskStreams();
        foreach (var (owner, _) in inputs.Before.Shares)
        {
            var survived = inputs.Contributors.Contains(owner);

            // A site that dropped left masks only in neighbours that survived.
            if (!survived && !plan.Graph.NeighboursOf(owner).Any(inputs.Contributors.Contains)) continue;
            using var secret = Join(state, owner, survived);
            if (secret is null) return Refusal.Of(RefusalCode.TooFewSites, plan, owner);
            if (survived) masks.Subtract(secret);
            else if (!RemovePairMasks(state, owner, secret, masks)) return Refusal.Of(RefusalCode.WrongShare, plan, owner);
        }
        return AddUp(plan, inputs.Contributors, vectors, masks, sum) ? null : new(RefusalCode.SumNotExact, "");
    }

    // False: the checksum is not that of the sum.
    private static bool AddUp(SecureRoundPlan plan, IReadOnlyCollection<int> contributors, IMaskedInputs vectors, MaskStreams masks, WordSink sum)
    {
        var ring = uint.MaxValue >> (32 - plan.Bits);
        var chunk = new uint[Math.Min(MaskStreams.ChunkWords, plan.Words)];
        var packed = new byte[RingPacking.PackedBytes(chunk.Length, plan.Bits)];
        var (expected, found) = (0u, 0u);
        for (var at = 0; at < plan.Words; at += chunk.Length)
        {
            var words = chunk.AsSpan(0, Math.Min(chunk.Length, plan.Words - at));
            var bytes = packed.AsSpan(0, RingPacking.PackedBytes(words.Length, plan.Bits));
            words.Clear();
            foreach (var site in contributors)
            {
                vectors.Read(site, RingPacking.PackedBytes(at, plan.Bits), bytes);
                RingPacking.AddTo(words, bytes, plan.Bits);
            }
            masks.Apply(words);
            var own = words[..Math.Min(words.Length, plan.Length - at)];
            for (var i = 0; i < own.Length; i++) own[i] &= ring;
            sum(at, own);
            found = unchecked(found + Checksum.Of(own, at));
            if (own.Length < words.Length) expected = words[^1];
        }
        return ((expected ^ found) & ring) == 0;
    }

    private static Secret? Join(CollectingReveals state, int owner, bool survived)
    {
        var holders = state.Plan.HoldersOf(owner);
        var shares = new List<(int Holder, byte[] Share)>();
        for (var i = 0; i < holders.Length; i++)
        {
            if (!state.Reveals.TryGetValue(holders[i], out var reveal)) continue;
            shares.Add((i, (survived ? reveal.SelfMaskShares : reveal.MaskKeyShares)[owner]));
        }
        return shares.Count < state.Plan.Threshold ? null : ShamirSharing.Join(shares, state.Plan.Threshold, SiteMachine.SecretBytes);
    }

    private static bool RemovePairMasks(CollectingReveals state, int owner, Secret scalar, MaskStreams masks)
    {
        var (plan, adverts) = (state.Plan, state.Before.Before.Before.Adverts);
        KeyAgreement key;
        try
        {
            key = KeyAgreement.FromScalar(scalar);
        }
        catch (CryptographicException)
        {
            return false;
        }
        using (key)
        {
            if (!key.PublicKey.AsSpan().SequenceEqual(adverts[owner].MaskKey)) return false;
            foreach (var neighbour in plan.Graph.NeighboursOf(owner).Where(state.Before.Contributors.Contains))
            {
                using var seed = SiteMachine.PairSeed(plan, key, owner, neighbour, adverts[neighbour].MaskKey);

                // The neighbour added the mask if it comes first, and took it off otherwise.
                if (neighbour < owner) masks.Subtract(seed);
                else masks.Add(seed);
            }
        }
        return true;
    }
}
