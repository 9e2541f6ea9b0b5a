using System.Security.Cryptography;
using Comity.Federation.Audit;
using Comity.Testing;

namespace Comity.Federation.Tests.Audit;

/// <summary>A site and a coordinator that write down what passes between them.</summary>
internal sealed class AuditParties : IDisposable
{
    public AuditParties()
    {
        SiteKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CoordinatorKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Open();
    }

    public TempFolder Folder { get; } = new();

    public ECDsa SiteKey { get; }

    public ECDsa CoordinatorKey { get; }

    public AuditLog Site { get; private set; } = null!;

    public AuditLog Coordinator { get; private set; } = null!;

    public string SitePath => Folder.At("site.jsonl");

    public string CoordinatorPath => Folder.At("coordinator.jsonl");

    public static AuditEntry Update(int round, string kind = "update") => new()
    {
        Direction = AuditDirection.Out, Kind = kind, Peer = "coordinator", Study = "heart", Rule = "policy.yaml", What = "federated/fedavg", Round = round, Bytes = 400,
        Sha256 = Convert.ToHexStringLower(SHA256.HashData([(byte)round])), Charge = new("1 x {}", 0.25, 1e-5),
    };

    public void Rounds(int rounds, int first = 1)
    {
        for (var round = first; round < first + rounds; round++) Round(round);
    }

    public void Round(int round)
    {
        var head = Site.Write(Update(round));
        var back = Coordinator.Write(Update(round) with { Direction = AuditDirection.In, Peer = "site", Head = head, Charge = null });
        Site.Write(new AuditEntry { Direction = AuditDirection.In, Kind = AuditKinds.Receipt, Peer = "coordinator", Head = back });
    }

    public void Close()
    {
        Site.Close();
        Coordinator.Close();
    }

    public void Open()
    {
        Site = AuditLog.Open(SitePath, "site", SiteKey, TimeProvider.System);
        Coordinator = AuditLog.Open(CoordinatorPath, "coordinator", CoordinatorKey, TimeProvider.System);
    }

    /// <summary>Does something while the parties' processes are down.</summary>
    public void WhileDown(Action change)
    {
        Dispose(keepFolder: true);
        change();
        Open();
    }

    public void Dispose(bool keepFolder)
    {
        Site.Dispose();
        Coordinator.Dispose();
        if (keepFolder) return;
        SiteKey.Dispose();
        CoordinatorKey.Dispose();
        Folder.Dispose();
    }

    public void Dispose() => Dispose(keepFolder: false);
}
