namespace Comity.Transport.Identity;

/// <summary>Who calls the coordinator, once that has been proved.</summary>
/// <remarks>
/// <b>The seam between who somebody is and what he may do with studies.</b> The coordinator's host proves it before any endpoint runs and
/// sets this record as a feature of the request. A site is proved by its signature over the whole call
/// (<see cref="Comity.Transport.Signing.RequestSignature"/>: method, path, query, digest of the body, fresh and once), whoever ended TLS; a
/// person by a token or by such a signature. So an endpoint need not judge signatures again. It reads its body to the end before it
/// acts: a body that is not the one that was signed throws there.
/// </remarks>
/// <param name="Name">The site's or person's name as it was approved.</param>
/// <param name="Role">What it may do.</param>
/// <param name="KeyFingerprint">Fingerprint of the key that signed (<see cref="Identity.KeyFingerprint.Plain"/>), or the id of the token; never the key or token itself.</param>
public sealed record CallerIdentity(string Name, CallerRole Role, string KeyFingerprint)
{
    /// <summary>The studies that the call may touch; null: all.</summary>
    public IReadOnlyList<string>? Studies { get; init; }

    /// <summary>Whether a study lies within what the call may touch.</summary>
    public bool Covers(string study) => Studies is null || Studies.Contains(study, StringComparer.Ordinal);
}

/// <summary>What a caller may do.</summary>
[System.Text.Json.Serialization.JsonConverter(typeof(System.Text.Json.Serialization.JsonStringEnumConverter<CallerRole>))]
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

    /// <summary>A serving node: fetches orders and releases and tells what it does, under its own name only.</summary>
    Server,
}
