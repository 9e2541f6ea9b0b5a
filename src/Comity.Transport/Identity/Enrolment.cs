using System.Text.Json.Serialization;

namespace Comity.Transport.Identity;

/// <summary>Asks to join: <c>POST /v1/enrolments</c>.</summary>
/// <param name="Name">The name that is asked for.</param>
/// <param name="Role">The role that is asked for.</param>
/// <param name="Request">Signing request (PKCS #10) of the key, DER in base 64.</param>
/// <param name="Secret">The join code's secret.</param>
public sealed record EnrolmentRequest(string? Name, CallerRole Role, string? Request, string? Secret);

/// <summary>How far joining is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EnrolmentState>))]
public enum EnrolmentState
{
    /// <summary>A person has yet to compare the fingerprints and approve.</summary>
    Waiting,

    /// <summary>The key belongs to the federation.</summary>
    Approved,
}

/// <summary>What came of asking: <c>GET /v1/enrolments/{fingerprint}</c>.</summary>
/// <param name="State">How far it is.</param>
/// <param name="Fingerprint">Of the key, without groups.</param>
/// <param name="Certificate">The member's certificate, DER in base 64; null: not yet.</param>
public sealed record EnrolmentAnswer(EnrolmentState State, string Fingerprint, string? Certificate)
{
    /// <summary>Whether the name belongs to another key, which an approval would retire.</summary>
    public bool NameTaken { get; init; }
}

/// <summary>Who the coordinator takes the caller for: <c>GET /v1/me</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Role">What it may do.</param>
/// <param name="KeyFingerprint">The key that signed, without groups, or the id of the token.</param>
/// <param name="CertificateEnds">When its certificate runs out; null: it has none.</param>
/// <param name="Time">The coordinator's clock.</param>
public sealed record CallerInfo(string Name, CallerRole Role, string KeyFingerprint, DateTimeOffset? CertificateEnds, DateTimeOffset Time);
