using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Comity.Coordinator.Access;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Identity;
using Comity.Testing;
using Comity.Transport.Identity;

namespace Comity.Coordinator.Tests;

/// <summary>The real server on a real socket with TLS, in this process so that a test can hold its clock.</summary>
internal sealed class RunningCoordinator : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task<CoordinatorExit> _serving;
    private readonly StringWriter _output;
    private readonly CoordinatorDatabase _database;
    private readonly CertificateAuthority _authority;

    private RunningCoordinator(TempFolder folder, TimeProvider time, Task<CoordinatorExit> serving, StringWriter output, CancellationTokenSource stop)
    {
        (Folder, Time, _serving, _output, _stop) = (folder, time, serving, output, stop);
        _database = CoordinatorDatabase.Open(folder.At("data"));
        _authority = CertificateAuthority.OpenOrMake(folder.At("data"), time);
        Registry = new(_database, _authority, time);
        Tokens = new(_database);
        Code = JoinCode.Parse(Line("Join code: "))!;
    }

    public TempFolder Folder { get; }

    public TimeProvider Time { get; }

    /// <summary>The registry's file, as the operator's commands open it beside the server.</summary>
    public CoordinatorDatabase Database => _database;

    /// <summary>What the operator's commands work on, beside the server.</summary>
    public Registry Registry { get; }

    public Tokens Tokens { get; }

    public JoinCode Code { get; }

    public Uri Address => Code.Coordinator;

    public static async Task<RunningCoordinator> StartAsync(TimeProvider? time = null, string listen = "https://127.0.0.1:0", int rate = 100_000)
    {
        time ??= TimeProvider.System;
        var folder = new TempFolder();
        var options = ServeOptions.Read(listen, null, [], folder.At("data"), [])! with { CallsPerSecond = rate };
        var (stop, output, error) = (new CancellationTokenSource(), new StringWriter(CultureInfo.InvariantCulture), new StringWriter(CultureInfo.InvariantCulture));
        var serving = CoordinatorHost.ServeAsync(options, CultureInfo.GetCultureInfo("en"), TextWriter.Synchronized(output), error, time, stop.Token);
        while (!output.ToString().Contains("A site joins", StringComparison.Ordinal))
        {
            if (serving.IsCompleted) throw new InvalidOperationException($"The coordinator ended with {await serving}: {error}");
            await Task.Delay(5);
        }
        return new(folder, time, serving, output, stop);
    }

    /// <summary>A site's folder of this test.</summary>
    public SiteIdentity Site(string name) => SiteIdentity.OpenOrMake(Folder.At("sites", name));

    /// <summary>A site that has asked, was approved and holds its certificate.</summary>
    public async Task<SiteIdentity> JoinAsync(string name, string? folder = null, CallerRole role = CallerRole.Site)
    {
        var site = Site(folder ?? name);
        site.Pin(PinnedCoordinator.Of(Code));
        using var http = CoordinatorHttp.Connect(new() { Address = Address, Authority = Code.Authority }, Time);
        var client = new IdentityClient(http);
        Assert.Equal(EnrolmentState.Waiting, (await client.EnrolAsync(Request(site, name) with { Role = role }, default)).State);
        Approve(name, site.Fingerprint);
        var answer = await client.EnrolmentAsync(site.Fingerprint, default);
        Assert.Equal(EnrolmentState.Approved, answer.State);
        Assert.True(site.Take(Convert.FromBase64String(answer.Certificate!), Time.GetUtcNow()));
        return site;
    }

    public EnrolmentRequest Request(SiteIdentity site, string name) => new(name, CallerRole.Site, Convert.ToBase64String(site.SigningRequest(name)), Code.Secret);

    public void Approve(string name, KeyFingerprint fingerprint) => Registry.Approve(Registry.Enrolments.Single(e => e.Name == name && e.Fingerprint == fingerprint.Plain));

    /// <summary>A client that signs as a site, with its certificate unless told otherwise.</summary>
    public HttpClient Connect(SiteIdentity site, string name, TimeProvider? time = null, X509Certificate2? certificate = null, bool withCertificate = true) =>
        CoordinatorHttp.Connect(site.Connection(name, null)! with { Certificate = withCertificate ? certificate ?? site.Certificate : null }, time ?? Time);

    /// <summary>A client with a token, or with nothing.</summary>
    public HttpClient Connect(string? token) => CoordinatorHttp.Connect(new() { Address = Address, Authority = Code.Authority, Token = token }, Time);

    /// <summary>The rest of a line that the server printed.</summary>
    public string Line(string start) => _output.ToString().Split('\n').Single(l => l.StartsWith(start, StringComparison.Ordinal))[start.Length..].Trim();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Assert.Equal(CoordinatorExit.Done, await _serving);
        _database.Dispose();
        _authority.Dispose();
        _stop.Dispose();
        Folder.Dispose();
    }
}

/// <summary>The system's clock, off by some time.</summary>
internal sealed class SkewedTime(TimeSpan ahead) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + ahead;
}
