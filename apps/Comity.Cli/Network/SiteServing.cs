using System.Security.Cryptography;
using Comity.Cli.Sites;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Federation.Audit;
using Comity.Federation.Privacy;
using Comity.Tensors.Kernels;
using Comity.Tensors.Threading;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;
using Comity.Transport.Sites;

namespace Comity.Cli.Network;

/// <summary>A joined site at work: asks the coordinator for tasks and tells the people here what happens.</summary>
internal sealed class SiteServing(Session session, DeclaredSite site, ECDsa key, StateVault vault, int threads, SiteTelemetry telemetry) : IProgress<SiteAgentEvent>
{
    private readonly Lock _gate = new();
    private string? _hindrance;

    /// <summary>Works until it is cancelled.</summary>
    /// <exception cref="StoppedException">The coordinator will not have this site.</exception>
    public async Task ServeAsync(HttpClient http, Uri address, int jobs, CancellationToken cancellationToken)
    {
        var steward = Steward.Of(site, key);
        using var audit = AuditLog.Open(Path.Combine(site.StateFolder, "audit.jsonl"), site.Section.Site, key, session.Time);
        // Nothing is released from a ledger that is older than what left: it would be charged a second time.
        if (LedgerBinding.Check(audit.LastLedger, Path.Combine(site.StateFolder, PrivacyLedger.FileName), session.Time) is { } older) throw new StoppedException(ExitCode.Audit, older);
        var options = new SiteAgentOptions
        {
            Site = site.Section.Site, StateFolder = site.StateFolder, Vault = vault, Jobs = jobs, ReleaseLoss = site.Section.Policy.ShowLoss, Audit = audit, AuditRule = steward.Rule,
            Identity = key, Partners = site.Section.PartnerKeys(),
            DiskBytes = (long)(site.Section.Resources.DiskGiB * (1L << 30)),
        };
        using var team = threads > 1 ? new Team(threads) : null;
        var agent = new SiteAgent(new SiteClient(http, session.Time), new SiteStudies(session, site, steward, KernelSet.Best.With(team)), options, session.Time, this);
        try
        {
            await agent.RunAsync(cancellationToken);
        }
        catch (WireException e)
        {
            throw new StoppedException(ExitCode.Coordinator, e.Told.ToProblem(address.Host));
        }
    }

    public void Report(SiteAgentEvent value)
    {
        telemetry.Report(value);
        switch (value)
        {
            case SiteAgentEvent.Joined { About.Refused.Count: 0 } joined:
                session.Out.Line(session.Text("site.study-joined", joined.Study, joined.Id));
                break;
            case SiteAgentEvent.Joined refused:
                foreach (var problem in refused.About.Refused) Told(problem.ToProblem(refused.Study));
                break;
            case SiteAgentEvent.Answered { Taken: true, Task.Kind: TaskKind.Round } answered:
                var work = WireJson.Read<RoundWork>(answered.Task.Content);
                session.Out.Line(session.Text("site.round", answered.Task.Study, work.Model, work.Repeat + 1, work.Round));
                break;
            case SiteAgentEvent.Hindered hindered:
                Hindered(hindered.Task.Study, hindered.Reason);
                break;
            case SiteAgentEvent.DiskShareFull full:
                Hindered(full.Task.Study, session.Text("site.disk-share", full.Folder, full.UsedMebibytes, full.NeededMebibytes, full.LimitMebibytes));
                break;
            case SiteAgentEvent.Disconnected lost:
                session.Error.Line(session.Text("site.disconnected", lost.Reason));
                break;
            case SiteAgentEvent.Connected:
                session.Out.Line(session.Text("site.connected"));
                break;
        }
    }

    private void Hindered(string study, string reason)
    {
        lock (_gate)
        {
            if (_hindrance == reason) return; // said once, not every five seconds
            _hindrance = reason;
        }
        session.Error.Line(session.Error.Yellow(session.Text("site.hindered", study, reason)));
    }

    private void Told(Problem problem) =>
        session.Error.Line($"{problem.Place}: {problem.Found(session.Language)} {problem.Expected(session.Language)} {problem.Remedy(session.Language)}");
}
