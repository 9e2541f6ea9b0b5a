using System.Text.Json;
using Comity.Federation.Audit;
using Comity.Transport.Protocol;

namespace Comity.Transport.Sites;

/// <summary>A site's audit log at the one place where tasks come in and answers go out.</summary>
/// <param name="log">The site's log.</param>
/// <param name="rule">The policy rule under which answers leave.</param>
/// <param name="ledger">How far the site's ledger has come; null: it has none.</param>
internal sealed class SiteAudit(AuditLog log, string rule, Func<LedgerHead?> ledger)
{
    /// <summary>A task arrived.</summary>
    public void Given(SiteTask task) => log.Write(WireAudit.Entry(task) with { Direction = AuditDirection.In, Peer = WireAudit.Coordinator });

    /// <summary>An answer leaves: its final bytes are stored, nothing was sent yet.</summary>
    /// <returns>The log's head, which goes with the answer; it is on the disk.</returns>
    public AuditHead Leaves(SiteTask task, SiteAnswer answer)
    {
        var head = log.Write(WireAudit.Entry(task, answer) with { Direction = AuditDirection.Out, Peer = WireAudit.Coordinator, Rule = rule, Ledger = answer.Charge is null ? null : ledger() });
        log.Sync(head.Sequence);
        return head;
    }

    /// <summary>The coordinator has it: its head is countersigned here.</summary>
    public void Taken(SiteTask task, AnswerReply reply)
    {
        if (reply.Head is { } head)
            log.Write(new AuditEntry { Direction = AuditDirection.In, Kind = AuditKinds.Receipt, Peer = WireAudit.Coordinator, Study = task.Study, Head = head });
    }
}
