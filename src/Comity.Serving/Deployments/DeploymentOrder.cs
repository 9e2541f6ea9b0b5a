using System.Text.Json;
using Comity.Declarations;
using Comity.Serving.Releases;

namespace Comity.Serving.Deployments;

/// <summary>Which version of a model answers in which market: signed by whoever decided it, and numbered, so that an old one can't come back.</summary>
/// <param name="Name">Name of the model.</param>
/// <param name="Revision">Rises with each order.</param>
/// <param name="Issued">When.</param>
/// <param name="Markets">One for each market.</param>
public sealed record DeploymentOrder(string Name, long Revision, DateTimeOffset Issued, IReadOnlyList<MarketOrder> Markets)
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    /// <summary>The order of a market; null: it says nothing of it.</summary>
    public MarketOrder? For(string market) => Markets.FirstOrDefault(m => m.Market == market);

    /// <summary>The signed order.</summary>
    public byte[] Sign(SigningKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var order = JsonSerializer.SerializeToUtf8Bytes(this, Options);
        return JsonSerializer.SerializeToUtf8Bytes(new Signed(SigningKey.Algorithm, order, key.PublicKey, key.Sign(order)), Options);
    }

    /// <summary>Reads and verifies a signed order.</summary>
    /// <exception cref="ReleaseRefusedException">It is damaged, or signed by somebody not pinned.</exception>
    public static DeploymentOrder Read(ReadOnlySpan<byte> bytes, string file, TrustedSigners trusted)
    {
        ArgumentNullException.ThrowIfNull(trusted);
        try
        {
            if (JsonSerializer.Deserialize<Signed>(bytes, Options) is { Algorithm: SigningKey.Algorithm, Order: { } order, PublicKey: { } key, Signature: { } signature } && SigningKey.Verify(key, order, signature))
            {
                if (!trusted.Contains(SigningKey.FingerprintOf(key))) throw Refused("release-signer", file, SigningKey.FingerprintOf(key));
                if (JsonSerializer.Deserialize<DeploymentOrder>(order, Options) is { Markets: not null } read && ReleaseManifest.IsName(read.Name)) return read;
            }
        }
        catch (JsonException)
        {
            // said below
        }
        throw Refused("order-damaged", file);
    }

    private static ReleaseRefusedException Refused(string code, string file, params object?[] arguments) => new(Messages.Problem(code, Place.InFile(file), arguments));

    private sealed record Signed(string Algorithm, byte[] Order, byte[] PublicKey, byte[] Signature);
}

/// <summary>What one market serves.</summary>
/// <param name="Market">The market.</param>
/// <param name="Stable">The release that answers.</param>
/// <param name="Canary">A release that is tried on a share of the requests; null: none.</param>
/// <param name="Share">That share.</param>
/// <param name="Approval">Who let it into the market, and why.</param>
public sealed record MarketOrder(string Market, OrderedRelease Stable, OrderedRelease? Canary, double Share, MarketApproval Approval);

/// <summary>A release by its digest.</summary>
/// <param name="Version">Version.</param>
/// <param name="Sha256">SHA-256 (hex) of the file.</param>
public sealed record OrderedRelease(string Version, string Sha256);

/// <summary>The word of a person on a release in a market.</summary>
/// <param name="By">Who.</param>
/// <param name="Because">Why.</param>
/// <param name="Findings">What was known when it was given: codes of <see cref="MarketPolicy"/>.</param>
public sealed record MarketApproval(string By, string Because, IReadOnlyList<string> Findings);
