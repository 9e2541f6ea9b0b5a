using Comity.SecureAggregation.FixedPoint;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Masking;
using Comity.SecureAggregation.Protocol;
using Comity.SecureAggregation.Sharing;

namespace Comity.Privacy.Attacks;

/// <summary>
/// A coordinator bound by nothing: it keeps all that it was ever sent, late vectors too, and what bribed sites tell it, puts every secret
/// together for which it holds enough shares, and takes every mask off that it then knows.
/// </summary>
/// <remarks>
/// Masks are independent streams (AES-256 in counter mode), so of all combinations of masked vectors only sums in which unknown masks
/// cancel can tell anything; pairwise ones cancel only within a set of sites. So trying every set of sites is trying everything.
/// </remarks>
internal sealed class Eavesdropper(SecureRoundPlan plan)
{
    private readonly Dictionary<int, byte[]> _vectors = [];
    private readonly Dictionary<int, byte[]> _maskKeys = [];
    private readonly Dictionary<(int Owner, bool Key), Dictionary<int, byte[]>> _shares = [];
    private readonly Dictionary<(int Owner, bool Key), byte[]> _told = [];

    /// <summary>Takes in what a site sent.</summary>
    public void Hear(SiteMessage message)
    {
        switch (message)
        {
            case KeyAdvert advert:
                _maskKeys[advert.Site] = advert.MaskKey;
                break;
            case MaskedInput input:
                _vectors[input.Site] = input.Packed;
                break;
            case RevealedShares reveal:
                foreach (var (owner, share) in reveal.SelfMaskShares) Keep(owner, key: false, reveal.Site, share);
                foreach (var (owner, share) in reveal.MaskKeyShares) Keep(owner, key: true, reveal.Site, share);
                break;
        }
    }

    /// <summary>Takes in all that a site knows.</summary>
    public void Bribe(AwaitingVector site)
    {
        _told[(site.Site, false)] = site.Before.SelfSeed.Bytes.ToArray();
        using var scalar = site.Before.Before.MaskKey.ExportScalar();
        _told[(site.Site, true)] = scalar.Bytes.ToArray();
        foreach (var (owner, held) in site.Held)
        {
            Keep(owner, key: false, site.Site, [.. held.SelfMask]);
            Keep(owner, key: true, site.Site, [.. held.MaskKey]);
        }
    }

    /// <summary>The sites' masked vectors added up, less every mask that is known.</summary>
    /// <param name="sites">Sites whose vectors were heard.</param>
    public uint[] BestGuess(IReadOnlyCollection<int> sites)
    {
        var words = new uint[plan.Words];
        using var masks = new MaskStreams();
        foreach (var site in sites)
        {
            RingPacking.AddTo(words, _vectors[site], plan.Bits);
            using (var seed = SecretOf(site, key: false))
            {
                if (seed is not null) masks.Subtract(seed);
            }
            foreach (var other in plan.Graph.NeighboursOf(site).Where(n => !sites.Contains(n) && _maskKeys.ContainsKey(n))) TakeOff(masks, site, other);
        }
        masks.Apply(words);
        return [.. words.Take(plan.Length).Select(w => w & (uint.MaxValue >> (32 - plan.Bits)))];
    }

    // The pair's mask, if either one's private key is known. The first of a pair added it, the other took it off.
    private void TakeOff(MaskStreams masks, int site, int other)
    {
        foreach (var (own, partner) in new[] { (site, other), (other, site) })
        {
            using var scalar = SecretOf(own, key: true);
            if (scalar is null) continue;
            using var key = KeyAgreement.FromScalar(scalar);
            using var seed = SiteMachine.PairSeed(plan, key, own, partner, _maskKeys[partner]);
            if (site < other) masks.Subtract(seed);
            else masks.Add(seed);
            return;
        }
    }

    private Secret? SecretOf(int owner, bool key)
    {
        if (_told.TryGetValue((owner, key), out var told)) return new Secret([.. told]);
        if (!_shares.TryGetValue((owner, key), out var shares) || shares.Count < plan.Threshold) return null;
        var holders = plan.HoldersOf(owner);
        return ShamirSharing.Join([.. shares.Select(s => (Array.IndexOf([.. holders], s.Key), s.Value))], plan.Threshold, SiteMachine.SecretBytes);
    }

    private void Keep(int owner, bool key, int holder, byte[] share)
    {
        if (!_shares.TryGetValue((owner, key), out var shares)) _shares[(owner, key)] = shares = [];
        shares[holder] = share;
    }
}
