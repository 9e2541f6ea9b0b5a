using System.Globalization;
using Comity.Declarations;
using Comity.Transport.Identity;

namespace Comity.Cli.Sites;

/// <summary>Keeps a joined site a member: looks in now and then, renews the certificate at half of its life, and stops the site when it no longer belongs.</summary>
internal sealed class Membership(Session session, DeclaredSite site, SiteIdentity identity)
{
    private static readonly TimeSpan ArriveEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(45);
    private static readonly TimeSpan WarnBefore = TimeSpan.FromDays(30);

    /// <summary>The first calls: it is the coordinator, and it knows the site. A site is a service that may start before the coordinator is there, so it waits for it.</summary>
    /// <param name="client">The connection.</param>
    /// <param name="address">Where it goes.</param>
    /// <param name="check">Refuses a coordinator that does not fit.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="StoppedException">The coordinator is another one, or does not know the site.</exception>
    public async Task<CallerInfo> ArriveAsync(IdentityClient client, Uri address, Action<CoordinatorHello> check, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                check(await client.HelloAsync(cancellationToken));
                return await client.MeAsync(cancellationToken);
            }
            catch (Exception e) when (CoordinatorProblems.MayPass(e))
            {
                if (tries == 1) session.Error.Line(session.Text("site.unreachable", address));
                await Task.Delay(ArriveEvery, session.Time, cancellationToken);
            }
            catch (Exception e) when (CoordinatorProblems.Of(e, address) is { } problem)
            {
                throw new StoppedException(ExitCode.Coordinator, problem);
            }
        }
    }

    /// <summary>Goes on until it is cancelled.</summary>
    /// <exception cref="StoppedException">The site no longer belongs.</exception>
    public async Task KeepAsync(IdentityClient client, Uri address, CancellationToken cancellationToken)
    {
        var reachable = true;
        while (true)
        {
            await Task.Delay(LookEvery, session.Time, cancellationToken);
            try
            {
                await LookAsync(client, cancellationToken);
                if (!reachable) session.Out.Line(session.Text("site.reachable"));
                reachable = true;
            }
            catch (Exception e) when (CoordinatorProblems.MayPass(e))
            {
                if (reachable) session.Error.Line(session.Text("site.unreachable", address));
                reachable = false;
            }
            catch (Exception e) when (CoordinatorProblems.Of(e, address) is { } problem)
            {
                throw new StoppedException(ExitCode.Coordinator, problem);
            }
        }
    }

    private async Task LookAsync(IdentityClient client, CancellationToken cancellationToken)
    {
        var me = await client.MeAsync(cancellationToken);
        var (now, ends) = (session.Time.GetUtcNow(), me.CertificateEnds ?? DateTimeOffset.MaxValue);
        if (ends - now > RenewBefore) return;
        try
        {
            var renewed = await client.RenewAsync(cancellationToken);
            if (renewed.Certificate is { } certificate && identity.Take(Convert.FromBase64String(certificate), now)) return;
        }
        catch (Exception e) when (CoordinatorProblems.MayPass(e) && ends - now > WarnBefore)
        {
            return; // there is time
        }
        if (ends - now < WarnBefore)
            session.Error.Line(session.Error.Yellow(session.Text("site.expires", site.Section.Site, ends.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture))));
    }

    /// <summary>Where the site belongs, as the state folder has it.</summary>
    /// <exception cref="StoppedException">The site has not joined.</exception>
    public CoordinatorConnection Connection()
    {
        if (identity.Connection(site.Section.Site, site.Roots) is not { Certificate: not null } connection)
            throw new StoppedException(ExitCode.Coordinator, Texts.Problem("site-not-joined", Place.InFile(site.StateFolder)));
        return connection;
    }
}
