using System.Globalization;
using Comity.Declarations;
using Comity.Transport.Identity;

namespace Comity.Cli.Sites;

/// <summary>From a join code to a certificate: pins the coordinator, asks, shows the fingerprint, and waits for a person at the other side.</summary>
internal sealed class Joining(Session session, DeclaredSite site, SiteIdentity identity)
{
    /// <summary>How far the clocks may be apart; the coordinator refuses beyond it.</summary>
    public static readonly TimeSpan AllowedSkew = TimeSpan.FromMinutes(5);

    /// <summary>What it asks to be.</summary>
    public CallerRole Role { get; init; } = CallerRole.Site;

    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskSlowly = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SlowAfter = TimeSpan.FromMinutes(10);

    /// <summary>Joins, or finds that the site has joined before.</summary>
    /// <exception cref="StoppedException">The coordinator is another one, refused, or can't be reached.</exception>
    public async Task JoinAsync(JoinCode code, CancellationToken cancellationToken)
    {
        var pinned = PinnedCoordinator.Of(code);
        if (identity.Certificate is not null && identity.Coordinator is { } before && before.AuthorityPoint != pinned.AuthorityPoint)
            throw new StoppedException(ExitCode.Coordinator, Texts.Problem("site-of-another", Place.InFile(site.StateFolder), before.Authority.Fingerprint, pinned.Authority.Fingerprint));

        // Asking is not signed as a member's call: the key is nobody's yet. The signing request proves that it is held.
        var connection = new CoordinatorConnection
        {
            Address = code.Coordinator,
            Authority = code.Authority,
            ThroughProxy = code.ThroughProxy || site.Roots is not null,
            Roots = site.Roots ?? [],
        };
        using var http = SiteConnections.Open(connection, session);
        var client = new IdentityClient(http, session.Time);
        await CoordinatorProblems.GuardAsync(code.Coordinator, async () => Check(await client.HelloAsync(cancellationToken), code.Coordinator));
        identity.Pin(pinned);

        session.Out.Line(session.Text("site.fingerprint", site.Section.Site, identity.Fingerprint));
        var request = new EnrolmentRequest(site.Section.Site, Role, Convert.ToBase64String(identity.SigningRequest(site.Section.Site)), code.Secret);
        var answer = await CoordinatorProblems.GuardAsync(code.Coordinator, () => client.EnrolAsync(request, cancellationToken));
        if (answer.State == EnrolmentState.Waiting)
        {
            if (answer.NameTaken) session.Error.Line(session.Error.Yellow(session.Text("site.name-taken", site.Section.Site)));
            session.Out.Line(session.Text("site.waiting", code.Coordinator));
            answer = await WaitAsync(client, code.Coordinator, cancellationToken);
        }
        if (answer.Certificate is null || !identity.Take(Convert.FromBase64String(answer.Certificate), session.Time.GetUtcNow()))
            throw new StoppedException(ExitCode.Coordinator, Texts.Problem("certificate-odd", Place.InFile(code.Coordinator.AbsoluteUri)));
        session.Out.Line(session.Text("site.joined", identity.Certificate!.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)));
    }

    /// <summary>Judges versions and clocks before anything of the site is sent.</summary>
    /// <exception cref="StoppedException">They do not fit.</exception>
    public CoordinatorHello Check(CoordinatorHello hello, Uri address)
    {
        if (Transport.Protocol.ProtocolVersion.Common(hello.Protocol.Oldest, hello.Protocol.Newest) is null)
            throw new StoppedException(ExitCode.Coordinator, Texts.Problem("coordinator-version", Place.InFile(address.AbsoluteUri), hello.Protocol.Software, ToolVersion.Text));
        var ahead = session.Time.GetUtcNow() - hello.Protocol.Time;
        if (ahead.Duration() > AllowedSkew)
            throw new StoppedException(ExitCode.Coordinator, Texts.Problem(ahead > TimeSpan.Zero ? "clock-ahead" : "clock-behind", Place.InFile(address.AbsoluteUri), ahead.Duration().ToString("c", CultureInfo.InvariantCulture).Split('.')[0]));
        return hello;
    }

    private async Task<EnrolmentAnswer> WaitAsync(IdentityClient client, Uri address, CancellationToken cancellationToken)
    {
        var since = session.Time.GetTimestamp();
        while (true)
        {
            await Task.Delay(session.Time.GetElapsedTime(since) < SlowAfter ? AskEvery : AskSlowly, session.Time, cancellationToken);
            try
            {
                var answer = await client.EnrolmentAsync(identity.Fingerprint, cancellationToken);
                if (answer.State == EnrolmentState.Approved) return answer;
            }
            catch (Exception e) when (CoordinatorProblems.MayPass(e))
            {
                // The coordinator may be started again while somebody reads a fingerprint out.
            }
            catch (Exception e) when (CoordinatorProblems.Of(e, address) is { } problem)
            {
                throw new StoppedException(ExitCode.Coordinator, problem);
            }
        }
    }
}
