namespace Comity.Transport.Identity;

/// <summary>The public keys of approved sites, by which the signatures of their messages are judged.</summary>
/// <remarks>Asked at every message, so that a revocation takes effect at once. Filled by the coordinator's registry of sites.</remarks>
public interface ISiteKeys
{
    /// <summary>A site's P-256 key as SubjectPublicKeyInfo; null: unknown, not yet approved, or revoked.</summary>
    byte[]? PublicKeyOf(string site);
}
