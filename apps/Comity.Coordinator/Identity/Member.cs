using System.Text.RegularExpressions;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Identity;

/// <summary>A site or person whose key was approved.</summary>
/// <param name="Name">Name, unique in the federation.</param>
/// <param name="Role">What it may do.</param>
/// <param name="Fingerprint">Of the key, without groups.</param>
/// <param name="PublicKey">SubjectPublicKeyInfo.</param>
/// <param name="Certificate">DER.</param>
/// <param name="NotAfter">When the certificate runs out.</param>
/// <param name="ApprovedAt">When a person approved the key.</param>
/// <param name="RevokedAt">When it was revoked; null: it is in force.</param>
internal sealed partial record Member(
    string Name, CallerRole Role, string Fingerprint, byte[] PublicKey, byte[] Certificate, DateTimeOffset NotAfter, DateTimeOffset ApprovedAt, DateTimeOffset? RevokedAt)
{
    /// <summary>Whether a text can name a site: as ids of sites in a study.</summary>
    public static bool IsName(string? name) => name is not null && NamePattern().IsMatch(name);

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\\z")]
    private static partial Regex NamePattern();
}

/// <summary>A key that asks to join.</summary>
/// <param name="Name">The name it asks for.</param>
/// <param name="Role">The role it asks for.</param>
/// <param name="Fingerprint">Of the key.</param>
/// <param name="Request">PKCS #10, DER; its signature was checked.</param>
/// <param name="Address">Where it came from.</param>
/// <param name="AskedAt">When.</param>
internal sealed record Enrolment(string Name, CallerRole Role, string Fingerprint, byte[] Request, string Address, DateTimeOffset AskedAt);
