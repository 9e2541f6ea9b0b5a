using System.Security.Cryptography;
using Comity.SecureAggregation.FixedPoint;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Masking;
using Comity.SecureAggregation.Sharing;

namespace Comity.SecureAggregation.Protocol;

/// <summary>Takes the masks off the sum: the survivors' self masks, and what the dropped left in their neighbours' vectors.</summary>
internal static class Unmasking
{
    public static CoordinatorTurn Finish(CollectingReveals state)
    {
        var (plan, inputs) = (state.Plan, state.Before);
        var sum = (uint[])inputs.Sum.Clone();
        foreach (var (owner, _) in inputs.Before.Shares)
        {
            var survived = inputs.Contributors.Contains(owner);

            // A site that dropped left masks only in neighbours that survived.
            if (!survived && !plan.Graph.NeighboursOf(owner).Any(inputs.Contributors.Contains)) continue;
            using var secret = Join(state, owner, survived);
            if (secret is null) return new CoordinatorTurn.Abandoned(Refusal.Of(RefusalCode.TooFewSites, plan, owner));
            if (survived) MaskExpansion.Subtract(secret, sum);
            else if (!RemovePairMasks(state, owner, secret, sum)) return new CoordinatorTurn.Abandoned(Refusal.Of(RefusalCode.WrongShare, plan, owner));
        }

        var ring = uint.MaxValue >> (32 - plan.Bits);
        for (var i = 0; i < sum.Length; i++) sum[i] &= ring;
        var vector = sum[..plan.Length];
        return (Checksum.Of(vector) & ring) == sum[^1]
            ? new CoordinatorTurn.Summed(vector, [.. inputs.Contributors])
            : new CoordinatorTurn.Abandoned(new(RefusalCode.SumNotExact, ""));
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

    private static bool RemovePairMasks(CollectingReveals state, int owner, Secret scalar, uint[] sum)
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
                if (neighbour < owner) MaskExpansion.Subtract(seed, sum);
                else MaskExpansion.Add(seed, sum);
            }
        }
        return true;
    }
}
