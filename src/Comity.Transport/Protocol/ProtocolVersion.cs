namespace Comity.Transport.Protocol;

/// <summary>Versions of the wire that this software speaks; the newest that both sides know is used.</summary>
public static class ProtocolVersion
{
    /// <summary>Newest version, spoken under <c>/v1</c>.</summary>
    public const int Newest = 1;

    /// <summary>Oldest version.</summary>
    public const int Oldest = 1;

    /// <summary>The newest version that both sides know; null: none.</summary>
    /// <param name="oldest">The peer's oldest.</param>
    /// <param name="newest">The peer's newest.</param>
    public static int? Common(int oldest, int newest)
    {
        var common = Math.Min(newest, Newest);
        return oldest <= newest && common >= Math.Max(oldest, Oldest) ? common : null;
    }
}

/// <summary>What <c>GET /v1/protocol</c> answers to anybody: it holds nothing that tells sites or studies.</summary>
/// <param name="Oldest">Oldest version spoken.</param>
/// <param name="Newest">Newest version spoken.</param>
/// <param name="Software">Version of Comity.</param>
/// <param name="Time">The coordinator's clock, so that a site can see how far its own is off.</param>
public sealed record ProtocolInfo(int Oldest, int Newest, string Software, DateTimeOffset Time);
