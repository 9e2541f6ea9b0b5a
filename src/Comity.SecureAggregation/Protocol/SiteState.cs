using System.Collections.Immutable;
using System.Security.Cryptography;
using Comity.SecureAggregation.Keys;
using Comity.SecureAggregation.Masking;

namespace Comity.SecureAggregation.Protocol;

/// <summary>Where a site stands in a masked round. Each state holds only what later steps need.</summary>
/// <remarks>
/// Disposing a state overwrites its secrets. Those of <see cref="AwaitingKeys"/> and <see cref="AwaitingDelivery"/> live on in their
/// successors; dispose <see cref="AwaitingVector"/> once the masked input is stored, and later states once their successor is.
/// </remarks>
public abstract class SiteState : IDisposable
{
    private protected SiteState(SecureRoundPlan plan, int site) => (Plan, Site) = (plan, site);

    /// <summary>What was agreed.</summary>
    public SecureRoundPlan Plan { get; }

    /// <summary>This site's index.</summary>
    public int Site { get; }

    /// <summary>Overwrites the secrets that only this state and those before it hold.</summary>
    public virtual void Dispose()
    {
    }

    /// <summary>The state's name, never its secrets.</summary>
    public override string ToString() => $"{GetType().Name} of {Plan.Sites[Site]} [redacted]";
}

/// <summary>Keys are sent; those of the others are to come.</summary>
public sealed class AwaitingKeys : SiteState
{
    internal AwaitingKeys(SecureRoundPlan plan, int site, SiteIdentity identity, IReadOnlyDictionary<int, byte[]> directory, KeyAgreement envelopeKey, KeyAgreement maskKey)
        : base(plan, site) => (Identity, Directory, EnvelopeKey, MaskKey) = (identity, directory, envelopeKey, maskKey);

    internal SiteIdentity Identity { get; }

    internal IReadOnlyDictionary<int, byte[]> Directory { get; }

    internal KeyAgreement EnvelopeKey { get; }

    internal KeyAgreement MaskKey { get; }

    /// <inheritdoc/>
    public override void Dispose()
    {
        EnvelopeKey.Dispose();
        MaskKey.Dispose();
    }
}

/// <summary>Shares are sent; envelopes from the neighbours are to come.</summary>
public sealed class AwaitingDelivery : SiteState
{
    internal AwaitingDelivery(AwaitingKeys before, ImmutableSortedDictionary<int, KeyAdvert> keys, Secret selfSeed, HeldShares own)
        : base(before.Plan, before.Site) => (Before, Keys, SelfSeed, Own) = (before, keys, selfSeed, own);

    internal AwaitingKeys Before { get; }

    internal ImmutableSortedDictionary<int, KeyAdvert> Keys { get; }

    internal Secret SelfSeed { get; }

    internal HeldShares Own { get; }

    /// <inheritdoc/>
    public override void Dispose()
    {
        SelfSeed.Dispose();
        Before.Dispose();
    }
}

/// <summary>All shares are held; the vector is to come from training.</summary>
public sealed class AwaitingVector : SiteState
{
    internal AwaitingVector(AwaitingDelivery before, ImmutableSortedDictionary<int, HeldShares> held)
        : base(before.Plan, before.Site) => (Before, Held) = (before, held);

    internal AwaitingDelivery Before { get; }

    /// <summary>By owner, this site among them: the sites that shared.</summary>
    internal ImmutableSortedDictionary<int, HeldShares> Held { get; }

    /// <inheritdoc/>
    public override void Dispose() => Before.Dispose();
}

/// <summary>The masked vector is sent; the list of survivors is to come.</summary>
public sealed class AwaitingSurvivors : SiteState
{
    internal AwaitingSurvivors(AwaitingVector before)
        : this(before.Plan, before.Site, before.Before.Before.Identity, before.Before.Before.Directory, before.Held)
    {
    }

    internal AwaitingSurvivors(SecureRoundPlan plan, int site, SiteIdentity identity, IReadOnlyDictionary<int, byte[]> directory, ImmutableSortedDictionary<int, HeldShares> held)
        : base(plan, site) => (Held, Identity, Directory) = (held, identity, directory);

    internal ImmutableSortedDictionary<int, HeldShares> Held { get; }

    internal SiteIdentity Identity { get; }

    internal IReadOnlyDictionary<int, byte[]> Directory { get; }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var shares in Held.Values) shares.Wipe();
    }
}

/// <summary>A list of survivors is signed; enough other signatures under the same list are to come.</summary>
public sealed class AwaitingSignatures : SiteState
{
    internal AwaitingSignatures(AwaitingSurvivors before, ImmutableArray<int> survivors)
        : base(before.Plan, before.Site) => (Before, Survivors) = (before, survivors);

    internal AwaitingSurvivors Before { get; }

    internal ImmutableArray<int> Survivors { get; }

    /// <inheritdoc/>
    public override void Dispose() => Before.Dispose();
}

/// <summary>Shares are revealed: this site has nothing more to say in the round, to whatever list.</summary>
public sealed class SiteFinished : SiteState
{
    internal SiteFinished(SecureRoundPlan plan, int site)
        : base(plan, site)
    {
    }
}

/// <summary>One holder's shares of another site's two secrets.</summary>
internal sealed class HeldShares(byte[] selfMask, byte[] maskKey)
{
    public byte[] SelfMask { get; } = selfMask;

    public byte[] MaskKey { get; } = maskKey;

    public void Wipe()
    {
        CryptographicOperations.ZeroMemory(SelfMask);
        CryptographicOperations.ZeroMemory(MaskKey);
    }

    public override string ToString() => "[redacted]";
}

/// <summary>What came of a step at a site.</summary>
public abstract record SiteStep
{
    private SiteStep()
    {
    }

    /// <summary>The step was taken. Store the state, then send.</summary>
    /// <param name="State">The state from here on.</param>
    /// <param name="Message">What to send; null where there is nothing to say yet.</param>
    public sealed record Taken(SiteState State, SiteMessage? Message) : SiteStep;

    /// <summary>The message was refused and changed nothing.</summary>
    /// <param name="Why">The reason.</param>
    public sealed record Refused(Refusal Why) : SiteStep;
}
