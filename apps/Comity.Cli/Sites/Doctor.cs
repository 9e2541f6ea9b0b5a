using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Transport.Identity;
using Comity.Transport.Sites;

namespace Comity.Cli.Sites;

/// <summary>Looks for what would stop a study at this site, before a study does: from the disk to the way to the coordinator and back.</summary>
internal sealed class Doctor(Session session, DeclaredSite site, SiteIdentity? identity, StateVault vault)
{
    private const int Probe = 1 << 20;
    private const double SlowMegabits = 1;
    private static readonly TimeSpan SkewWorthKnowing = TimeSpan.FromSeconds(30);

    /// <summary>All checks in the order in which one depends on the one before.</summary>
    /// <param name="study">A study whose contract the site's records are held against; null: none.</param>
    /// <param name="measure">How long the line is measured; zero: not at all.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async IAsyncEnumerable<Finding> LookAsync(string? study, TimeSpan measure, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return Disk();
        yield return Key();
        yield return AtRest();
        if (study is not null) yield return SiteRecordsCheck.Look(session, site, study, cancellationToken);
        if (identity?.Connection(site.Section.Site, site.Roots) is not { } connection)
        {
            yield return new("joined", session.Text("doctor.not-joined"), Texts.Problem("site-not-joined", Place.InFile(site.StateFolder)));
            yield break;
        }
        var proxy = HttpClient.DefaultProxy.GetProxy(connection.Address);
        yield return new("proxy", proxy is null ? session.Text("doctor.no-proxy") : session.Text("doctor.by-proxy", proxy.GetLeftPart(UriPartial.Authority)));
        if (proxy is null) yield return await NameAsync(connection.Address, cancellationToken);

        using var http = SiteConnections.Open(connection, session);
        var client = new IdentityClient(http, session.Time);
        CoordinatorHello? hello = null;
        yield return await TriedAsync("tls", connection.Address, async () =>
        {
            hello = await client.HelloAsync(cancellationToken);
            return session.Text("doctor.tls", identity.Coordinator!.Authority.Fingerprint);
        });
        if (hello is null) yield break;
        yield return Clock(hello, connection.Address);
        CallerInfo? me = null;
        yield return await TriedAsync("member", connection.Address, async () =>
        {
            me = await client.MeAsync(cancellationToken);
            return session.Text("doctor.member", me.Name);
        });
        if (me is null) yield break;
        yield return Certificate(me);
        if (measure > TimeSpan.Zero) yield return await LineAsync(client, connection.Address, measure, cancellationToken);
    }

    private Finding Disk()
    {
        var wanted = site.Section.Resources.DiskGiB;
        try
        {
            Directory.CreateDirectory(site.StateFolder);
            var free = new DriveInfo(Path.GetFullPath(site.StateFolder)).AvailableFreeSpace / Math.Pow(2, 30);
            var says = session.Text("doctor.disk", free.ToString("0.0", CultureInfo.InvariantCulture));
            return free >= wanted ? new("disk", says) : new("disk", says, new Problem(Texts.Catalog, "disk-short", Place.InFile(site.StateFolder), free.ToString("0.0", CultureInfo.InvariantCulture), wanted) { Severity = Severity.Warning });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new("disk", "", Texts.Problem("site-state-damaged", Place.InFile(site.StateFolder), e.Message));
        }
    }

    private Finding Key()
    {
        if (identity is null) return new("key", session.Text("doctor.no-key"));
        var says = session.Text("doctor.key", identity.Fingerprint);
        return identity.KeyIsExposed ? new("key", says, Texts.Problem("key-exposed", Place.InFile(Path.Combine(site.StateFolder, SiteIdentity.KeyFile)))) : new("key", says);
    }

    private Finding AtRest()
    {
        if (!vault.IsSealed) return new("at-rest", session.Text("doctor.not-sealed"));
        var open = SiteState.NotSealed(site.StateFolder);
        var says = session.Text("doctor.sealed");
        return open.Count == 0 ? new("at-rest", says)
            : new("at-rest", says, new Problem(Texts.Catalog, "state-partly-sealed", Place.InFile(site.StateFolder), open.Count, open[0]) { Severity = Severity.Warning });
    }

    private async Task<Finding> NameAsync(Uri address, CancellationToken cancellationToken)
    {
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(address.Host, cancellationToken);
            return new("name", string.Join(", ", addresses.Select(a => a.ToString())));
        }
        catch (SocketException)
        {
            return new("name", address.Host, Texts.Problem("coordinator-name", Place.InFile(address.AbsoluteUri), address.Host));
        }
    }

    private Finding Clock(CoordinatorHello hello, Uri address)
    {
        try
        {
            new Joining(session, site, identity!).Check(hello, address);
        }
        catch (StoppedException e)
        {
            return new("clock", "", e.Problems);
        }
        var ahead = session.Time.GetUtcNow() - hello.Protocol.Time;
        var says = session.Text("doctor.clock", ahead.TotalSeconds.ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture));
        return ahead.Duration() < SkewWorthKnowing ? new("clock", says)
            : new("clock", says, new Problem(Texts.Catalog, ahead > TimeSpan.Zero ? "clock-drifts-ahead" : "clock-drifts-behind", Place.InFile(address.AbsoluteUri), ahead.Duration().ToString("c", CultureInfo.InvariantCulture).Split('.')[0]) { Severity = Severity.Warning });
    }

    private Finding Certificate(CallerInfo me)
    {
        var ends = me.CertificateEnds ?? DateTimeOffset.MaxValue;
        var says = session.Text("doctor.certificate", ends.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        return ends - session.Time.GetUtcNow() > TimeSpan.FromDays(30) ? new("certificate", says)
            : new("certificate", says, new Problem(Texts.Catalog, "certificate-ends", Place.InFile(site.StateFolder), ends.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)) { Severity = Severity.Warning });
    }

    private Task<Finding> LineAsync(IdentityClient client, Uri address, TimeSpan measure, CancellationToken cancellationToken) => TriedAsync("line", address, async () =>
    {
        var bytes = new byte[Probe];
        var up = await MeasureAsync(() => client.SendProbeAsync(bytes, cancellationToken), measure / 2);
        var down = await MeasureAsync(() => client.ReceiveProbeAsync(Probe, cancellationToken), measure / 2);
        string Show(double megabits) => megabits.ToString("0.0", CultureInfo.InvariantCulture);
        return session.Text(Math.Min(up, down) < SlowMegabits ? "doctor.line-slow" : "doctor.line", Show(up), Show(down));
    });

    /// <summary>Megabits a second; the first probe only opens the connection's windows.</summary>
    private async Task<double> MeasureAsync(Func<Task> probe, TimeSpan limit)
    {
        await probe();
        var (start, probes) = (session.Time.GetTimestamp(), 0);
        do
        {
            await probe();
            probes++;
        }
        while (session.Time.GetElapsedTime(start) < limit);
        return probes * (double)Probe * 8 / 1e6 / session.Time.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<Finding> TriedAsync(string check, Uri address, Func<Task<string>> look)
    {
        try
        {
            return new(check, await look());
        }
        catch (Exception e) when (CoordinatorProblems.Of(e, address) is { } problem)
        {
            return new(check, "", problem);
        }
    }
}
