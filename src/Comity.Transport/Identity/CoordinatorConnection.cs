using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Comity.Transport.Identity;

/// <summary>All that a site or a person needs to speak with a coordinator. Enrolment makes it; whatever speaks over the connection takes it.</summary>
public sealed record CoordinatorConnection
{
    /// <summary>Address, such as <c>https://coordinator.example.org:8440</c>.</summary>
    public required Uri Address { get; init; }

    /// <summary>Certificates that the coordinator's chain must end in; empty: the system's.</summary>
    public X509Certificate2Collection Roots { get; init; } = [];

    /// <summary>Client certificate with its private key; null: none.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Bearer token of a person; null: none. Never printed.</summary>
    public string? Token { get; init; }

    /// <summary>The site's name; null: a person calls.</summary>
    public string? Site { get; init; }

    /// <summary>The site's P-256 private key, which signs every message; null: a person calls.</summary>
    public ECDsa? SigningKey { get; init; }

    /// <summary>Name and address; no key and no token.</summary>
    public override string ToString() => $"{Site ?? "person"} at {Address}";
}
