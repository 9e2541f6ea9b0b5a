using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Coordinator.Identity;
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

    private CoordinatorAudit(AuditLog log, ECDsa key, ISiteKeys sites) => (Log, _key, _sites) = (log, key, sites);

    public AuditLog Log { get; }

    public static CoordinatorAudit Open(string folder, CertificateAuthority authority, ISiteKeys sites, TimeProvider time)
    {
        var key = authority.Certificate.GetECDsaPrivateKey() ?? throw new CryptographicException("The authority's key is missing.");
        return new(AuditLog.Open(Path.Combine(folder, FileName), WireAudit.Coordinator, key, time), key, sites);
    }

    /// <summary>Tasks are handed to a site.</summary>
    public void Given(string site, IReadOnlyList<SiteTask> tasks)
    {
        foreach (var task in tasks) Log.Write(WireAudit.Entry(task) with { Direction = AuditDirection.Out, Peer = site });
    }

    /// <summary>An answer came. The site's head is kept only if the site signed it: it is there to be held against the site later.</summary>
    /// <returns>The coordinator's head, for the site to keep; on the disk.</returns>
    public AuditHead Arrived(string site, SiteTask task, SiteAnswer answer)
    {
        var head = Log.Write(WireAudit.Entry(task, answer) with { Direction = AuditDirection.In, Peer = site, Head = Signed(site, answer.Head) });
        Log.Sync(head.Sequence);
        return head;
    }

    public void Dispose()
    {
        Log.Dispose();
        _key.Dispose();
    }

    private AuditHead? Signed(string site, AuditHead? head)
    {
        if (head is null || _sites.PublicKeyOf(site) is not { } publicKey) return null;
        return _verifying.Of(publicKey)?.Verify(key => AuditKey.Verify(key, head.Sha256, head.Signature)) == true ? head : null;
    }
}
