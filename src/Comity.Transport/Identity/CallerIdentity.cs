namespace Comity.Transport.Identity;

/// <summary>Who calls the coordinator, once that has been proved.</summary>
/// <remarks>
/// <b>The seam between who somebody is and what he may do with studies.</b> The coordinator's host proves it (client certificate, bearer
/// token) and sets this record as a feature of the request: <c>context.Features.Set(identity)</c>. Endpoints of studies read that
/// feature; without it a request counts as anonymous. Behind a proxy that ends TLS there is no client certificate: a site is then
/// proved by its signature alone, for which the endpoints ask <see cref="ISiteKeys"/>.
/// </remarks>
/// <param name="Name">The site's or person's name as it was approved.</param>
/// <param name="Role">What it may do.</param>
/// <param name="KeyFingerprint">SHA-256 (hex) of its SubjectPublicKeyInfo, or of the token; never the key or token itself.</param>
public sealed record CallerIdentity(string Name, CallerRole Role, string KeyFingerprint);

/// <summary>What a caller may do.</summary>
public enum CallerRole
{
    /// <summary>Watches studies.</summary>
    Viewer,

    /// <summary>Answers for a site's data: watches and withdraws its site.</summary>
    Steward,

    /// <summary>Submits, watches and cancels studies and fetches their results.</summary>
    Author,

    /// <summary>Everything but a site's own calls.</summary>
    Operator,

    /// <summary>A site: asks for work and answers it, under its own name only.</summary>
    Site,
}
