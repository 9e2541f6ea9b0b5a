using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Coordinator.Identity;
using Comity.Coordinator.Storage;
using Comity.Federation.Audit;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;
using Comity.Transport.Signing;

namespace Comity.Coordinator.Studies;

/// <summary>The coordinator's audit log: what it asked of whom, and what came back. Signed with the authority's key, which sites pin.</summary>
internal sealed class CoordinatorAudit : IDisposable
{
    /// <summary>Name of the log in the data folder.</summary>
    public const string FileName = "audit.jsonl";

    private readonly ECDsa _key;
    private readonly ISiteKeys _sites;
    private readonly VerifyingKeys _verifying = new();

    private readonly AuditLog _log;
    private readonly SharedAudit? _shared;

    private CoordinatorAudit(AuditLog log, SharedAudit? shared, ECDsa key, ISiteKeys sites) => (_log, _shared, _key, _sites) = (log, shared, key, sites);

    /// <summary>Opens the log in a folder; where the state lies in a store, after it was brought up to the store's.</summary>
    /// <exception cref="StaleEpochException">Another has taken over the store.</exception>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public static CoordinatorAudit Open(string folder, CertificateAuthority authority, ISiteKeys sites, TimeProvider time, PostgresStore? store, ILogger logger)
    {
        var file = Path.Combine(folder, FileName);
        var shared = store is null ? null : SharedAudit.Take(store, file, logger);
        var key = authority.Certificate.GetECDsaPrivateKey() ?? throw new CryptographicException("The authority's key is missing.");
        var audit = new CoordinatorAudit(AuditLog.Open(file, WireAudit.Coordinator, key, time), shared, key, sites);
        try
        {
            shared?.Keep();
            return audit;
        }
        catch
        {
            audit.Dispose();
            throw;
        }
    }

    /// <summary>Tasks are handed to a site.</summary>
    public void Given(string site, IReadOnlyList<SiteTask> tasks)
    {
        foreach (var task in tasks) _log.Write(WireAudit.Entry(task) with { Direction = AuditDirection.Out, Peer = site });
        if (tasks.Count > 0) _shared?.Keep();
    }

    /// <summary>An answer came. The site's head is kept only if the site signed it: it is there to be held against the site later.</summary>
    /// <returns>The coordinator's head, for the site to keep; on the disk, or in the store.</returns>
    public AuditHead Arrived(string site, SiteTask task, SiteAnswer answer)
    {
        var head = _log.Write(WireAudit.Entry(task, answer) with { Direction = AuditDirection.In, Peer = site, Head = Signed(site, answer.Head) });
        if (_shared is null) _log.Sync(head.Sequence);
        else _shared.Keep();
        return head;
    }

    public void Dispose()
    {
        _log.Dispose();
        _key.Dispose();
    }

    private AuditHead? Signed(string site, AuditHead? head)
    {
        if (head is null || _sites.PublicKeyOf(site) is not { } publicKey) return null;
        return _verifying.Of(publicKey)?.Verify(key => AuditKey.Verify(key, head.Sha256, head.Signature)) == true ? head : null;
    }
}
