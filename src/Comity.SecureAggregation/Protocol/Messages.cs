namespace Comity.SecureAggregation.Protocol;

/// <summary>What a site says in a masked round.</summary>
/// <param name="Site">Index of the sender in the plan.</param>
public abstract record SiteMessage(int Site);

/// <summary>Step 1: the site's two keys of this round, vouched for by its identity.</summary>
/// <param name="Site">Index of the sender.</param>
/// <param name="EnvelopeKey">Public key that others seal shares with.</param>
/// <param name="MaskKey">Public key that pairwise masks come from.</param>
/// <param name="Signature">The site identity's signature over plan, site and both keys.</param>
public sealed record KeyAdvert(int Site, byte[] EnvelopeKey, byte[] MaskKey, byte[] Signature) : SiteMessage(Site);

/// <summary>Step 2: shares of the site's two secrets, one envelope a neighbour, and a hash of every share, so that a wrong one is found and its sender named.</summary>
/// <param name="Site">Index of the sender.</param>
/// <param name="Envelopes">By receiver.</param>
/// <param name="SelfMaskHashes">SHA-256 of each holder's share of the self mask's seed.</param>
/// <param name="MaskKeyHashes">SHA-256 of each holder's share of the private mask key.</param>
public sealed record SealedShares(
    int Site,
    IReadOnlyDictionary<int, byte[]> Envelopes,
    IReadOnlyDictionary<int, byte[]> SelfMaskHashes,
    IReadOnlyDictionary<int, byte[]> MaskKeyHashes) : SiteMessage(Site);

/// <summary>Step 3: the site's vector under all its masks.</summary>
/// <param name="Site">Index of the sender.</param>
/// <param name="Packed">Words of b bits, side by side.</param>
public sealed record MaskedInput(int Site, byte[] Packed) : SiteMessage(Site);

/// <summary>Step 4, against a lying coordinator: the site's signature over the list of survivors that it was shown.</summary>
/// <param name="Site">Index of the sender.</param>
/// <param name="Signature">By the site identity.</param>
public sealed record SurvivorSignature(int Site, byte[] Signature) : SiteMessage(Site);

/// <summary>Step 5: shares that take the masks off the sum. Never both kinds about one site.</summary>
/// <param name="Site">Index of the sender.</param>
/// <param name="SelfMaskShares">About each survivor whose share the sender holds.</param>
/// <param name="MaskKeyShares">About each site that dropped after sharing.</param>
public sealed record RevealedShares(int Site, IReadOnlyDictionary<int, byte[]> SelfMaskShares, IReadOnlyDictionary<int, byte[]> MaskKeyShares) : SiteMessage(Site);

/// <summary>What the coordinator says to a site in a masked round.</summary>
public abstract record CoordinatorMessage;

/// <summary>Step 1: the keys of all sites that sent theirs.</summary>
/// <param name="Adverts">As the sites signed them.</param>
public sealed record KeyList(IReadOnlyList<KeyAdvert> Adverts) : CoordinatorMessage;

/// <summary>Step 2: the envelopes for this site.</summary>
/// <param name="Envelopes">By sender.</param>
public sealed record Delivery(IReadOnlyDictionary<int, byte[]> Envelopes) : CoordinatorMessage;

/// <summary>Steps 3 and 4: whose vectors are in the sum.</summary>
/// <param name="Survivors">Indices in ascending order.</param>
public sealed record SurvivorList(IReadOnlyList<int> Survivors) : CoordinatorMessage;

/// <summary>Step 5, against a lying coordinator: the signatures under the list.</summary>
/// <param name="Signatures">By site.</param>
public sealed record SignedSurvivorList(IReadOnlyDictionary<int, byte[]> Signatures) : CoordinatorMessage;
