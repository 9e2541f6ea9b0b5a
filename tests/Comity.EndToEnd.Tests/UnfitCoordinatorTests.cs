using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Testing;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comity.EndToEnd.Tests;

/// <summary>A coordinator that proves its key, and with which nothing can be done all the same: the site's owner is told why, and nothing of the site is sent.</summary>
public sealed class UnfitCoordinatorTests : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ConcurrentQueue<string> _asked = [];
    private WebApplication? _host;

    public async ValueTask DisposeAsync()
    {
        if (_host is not null) await _host.DisposeAsync();
        _key.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(2, 3, 0, "[coordinator-version]", "software 7.0.0")]
    [InlineData(1, 3, 0, null, null)] // the newest that both know is used
    [InlineData(1, 1, -60, "[clock-ahead]", "01:00:")]
    [InlineData(1, 1, 60, "[clock-behind]", "00:59:")]
    [InlineData(1, 1, 1, null, null)] // a minute is no reason
    public async Task Another_version_and_a_clock_an_hour_off_are_named_before_anything_is_sent(int oldest, int newest, int minutes, string? code, string? says)
    {
        var address = await ServeAsync(() => new ProtocolInfo(oldest, newest, "7.0.0", TimeProvider.System.GetUtcNow().AddMinutes(minutes)));
        var file = _folder.Write("site.yaml", "site: berlin\ndata: { source: { csv: records.csv } }\n");
        var join = new JoinCode(address, AuthorityKey.Of(_key), JoinCode.NewSecret(), ThroughProxy: false).ToString();

        var result = await Cli.RunAsync(_folder.FullPath, "site", "run", "--config", file, "--join", join, "--lang", "en");

        Assert.Equal(7, result.ExitCode);
        if (code is null)
        {
            Assert.Contains(_asked, path => path.StartsWith("/v1/enrolments", StringComparison.Ordinal));
            return;
        }
        Assert.Contains(code, result.Error, StringComparison.Ordinal);
        Assert.Contains(says!.Replace("software ", "", StringComparison.Ordinal), result.Error, StringComparison.Ordinal);
        Assert.All(_asked, path => Assert.Equal("/v1/hello", path));
    }

    private async Task<Uri> ServeAsync(Func<ProtocolInfo> says)
    {
        var now = TimeProvider.System.GetUtcNow();
        var request = new CertificateRequest("CN=authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var proving = X509CertificateLoader.LoadPkcs12(authority.Export(X509ContentType.Pkcs12), null);
        using var serverKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var asked = new CertificateRequest("CN=coordinator", serverKey, HashAlgorithmName.SHA256);
        asked.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        using var issued = asked.Create(authority, now.AddHours(-1), now.AddHours(1), [1, 2, 3]);
        using var withKey = issued.CopyWithPrivateKey(serverKey);
        var certificate = X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);

        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        _host = builder.Build();
        _host.Run(async context =>
        {
            _asked.Enqueue(context.Request.Path);
            if (context.Request.Path == "/v1/hello") await context.Response.WriteAsJsonAsync(CoordinatorHello.Of(says(), "epoch", proving, context.Request.Query["nonce"].ToString()), WireJson.Options);
            else context.Response.StatusCode = StatusCodes.Status403Forbidden;
        });
        await _host.StartAsync();
        return new($"https://127.0.0.1:{new Uri(_host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port}/");
    }
}
