using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Comity.Serving.Inference;

namespace Comity.Serving.Hosting;

/// <summary>How a server is run.</summary>
public sealed record ServerOptions
{
    /// <summary>Address to listen on; port 0 lets the system choose.</summary>
    public required IPEndPoint Address { get; init; }

    /// <summary>Certificate with its key; null: plain HTTP.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>The market that is served.</summary>
    public required string Market { get; init; }

    /// <summary>Folder of the market's state: feedback, windows, the key of its answer ids.</summary>
    public required string State { get; init; }

    /// <summary>Where feedback and windows are stored; null: in <see cref="State"/>.</summary>
    public Feedback.StoreAddress? Store { get; init; }

    /// <summary>Language of the page for people, and of errors where the request asks for none.</summary>
    public required CultureInfo Language { get; init; }

    /// <summary>Who may do what; null: everybody everything.</summary>
    public AccessTokens? Tokens { get; init; }

    /// <summary>What is taken on.</summary>
    public ServingLimits Limits { get; init; } = new();

    /// <summary>Records of a drift window.</summary>
    public int WindowRows { get; init; } = 250;

    /// <summary>How long feedback is kept; null: until it is erased.</summary>
    public TimeSpan? Retention { get; init; }

    /// <summary>Folder from which further releases may be loaded on request; null: none.</summary>
    public string? Releases { get; init; }

    /// <summary>Who may have signed them.</summary>
    public Releases.TrustedSigners Trusted { get; init; } = Comity.Serving.Releases.TrustedSigners.None;

    /// <summary>Where metrics are sent (OTLP over HTTP); null: nowhere.</summary>
    public Uri? Otlp { get; init; }

    /// <summary>Version of the tool, as the protocol's metadata tell it.</summary>
    public string ToolVersion { get; init; } = "0";

    internal Feedback.StoreAddress StoreAddress => Store ?? Feedback.StoreAddress.InFolder(State);
}
