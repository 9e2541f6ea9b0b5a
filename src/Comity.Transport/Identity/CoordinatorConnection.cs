using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Comity.Transport.Identity;

/// <summary>All that a site or a person needs to speak with a coordinator. Enrolment makes it; <see cref="CoordinatorHttp"/> connects by it.</summary>
public sealed record CoordinatorConnection
{
    /// <summary>Address, such as <c>https://coordinator.example.org:8440</c>.</summary>
    public required Uri Address { get; init; }

    /// <summary>The key that the coordinator must prove, from the join code; null: whoever the system trusts for the address.</summary>
    public AuthorityKey? Authority { get; init; }

    /// <summary>Whether TLS ends at a proxy, so that the server's certificate is the proxy's. The authority is then proved by a signature before anything is sent.</summary>
    public bool ThroughProxy { get; init; }

    /// <summary>Through a proxy: certificates that its chain must end in; empty: the system's.</summary>
    public X509Certificate2Collection Roots { get; init; } = [];

    /// <summary>Client certificate with its private key; null: none.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Bearer token of a person; null: none. Never printed.</summary>
    public string? Token { get; init; }

    /// <summary>The site's name; null: a person calls.</summary>
    public string? Site { get; init; }

    /// <summary>The P-256 private key that signs every call; null: a token vouches.</summary>
    public ECDsa? SigningKey { get; init; }

    /// <summary>Name and address; no key and no token.</summary>
    public override string ToString() => $"{Site ?? "person"} at {Address}";
}
