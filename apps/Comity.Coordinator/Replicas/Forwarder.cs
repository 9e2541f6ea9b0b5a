using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Identity;
using Comity.Transport.Identity;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Comity.Coordinator.Replicas;

/// <summary>Hands calls on to the replica that drives, byte by byte as they come: the caller's signature is over what it sent, and is judged there.</summary>
/// <remarks>
/// <code>
/// site ──any replica──► follower ──TLS, as a replica of this authority──► who drives
///                          └── nobody drives, or it went away: 503, Retry-After: 1, and the site calls again
/// </code>
/// No redirection: behind a load balancer a site may reach one address only.
/// </remarks>
internal sealed class Forwarder(CertificateAuthority authority, DriverWatch watch, TimeProvider time) : IDisposable
{
    private static readonly HashSet<string> OfTheConnection = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Host", "Content-Length", ForwardedCall.AddressHeader, ForwardedCall.CertificateHeader,
    };

    private readonly X509Certificate2 _own = authority.IssueReplica();
    private HttpMessageInvoker? _http;

    public async Task ForwardAsync(HttpContext context)
    {
        var driver = watch.Present;
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (driver.Address is null || driver.Over.IsCancellationRequested)
        {
            await RefuseAsync(context);
            return;
        }
        if (!target.StartsWith('/'))
        {
            await Refusal.WriteAsync(context, StatusCodes.Status400BadRequest, "call-unreadable");
            return;
        }
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, driver.Over.Token);
        try
        {
            using var request = Request(context, driver.Address, target);
            using var response = await Http.SendAsync(request, either.Token);
            context.Response.StatusCode = (int)response.StatusCode;
            foreach (var (name, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
            {
                if (!OfTheConnection.Contains(name)) context.Response.Headers[name] = new StringValues([.. values]);
            }
            context.Response.ContentLength = response.Content.Headers.ContentLength;
            await using var body = await response.Content.ReadAsStreamAsync(either.Token);
            await body.CopyToAsync(context.Response.Body, either.Token);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone.
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            // Who drives has gone, or another drives since: what was asked may be asked again.
            await RefuseAsync(context);
        }
    }

    public void Dispose()
    {
        _http?.Dispose();
        _own.Dispose();
    }

    private HttpMessageInvoker Http => LazyInitializer.EnsureInitialized(ref _http, Connect);

    private static async Task RefuseAsync(HttpContext context)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.Clear();
            context.Response.Headers.RetryAfter = "1";
        }
        await Refusal.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "no-driver");
    }

    private static HttpRequestMessage Request(HttpContext context, Uri driver, string target)
    {
        // As it came, octet by octet: a path that is written otherwise is not the one that was signed.
        var uri = new Uri(driver.GetLeftPart(UriPartial.Authority) + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var secure = driver.Scheme == Uri.UriSchemeHttps;
        var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), uri) { Version = secure ? HttpVersion.Version20 : HttpVersion.Version11, VersionPolicy = secure ? HttpVersionPolicy.RequestVersionOrLower : HttpVersionPolicy.RequestVersionExact };
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            request.Content = new StreamContent(context.Request.Body);
            request.Content.Headers.ContentLength = context.Request.ContentLength;
        }
        foreach (var (name, values) in context.Request.Headers)
        {
            if (OfTheConnection.Contains(name) || name.StartsWith(':')) continue;
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values)) request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        if (context.Connection.RemoteIpAddress is { } address) request.Headers.TryAddWithoutValidation(secure ? ForwardedCall.AddressHeader : "X-Forwarded-For", address.ToString());
        if (secure && context.Connection.ClientCertificate is { } shown) request.Headers.TryAddWithoutValidation(ForwardedCall.CertificateHeader, Convert.ToBase64String(shown.RawData));
        return request;
    }

    private HttpMessageInvoker Connect() => new(new SocketsHttpHandler
    {
        ConnectTimeout = TimeSpan.FromSeconds(3),
        PooledConnectionLifetime = TimeSpan.FromHours(1),
        EnableMultipleHttp2Connections = true,
        KeepAlivePingDelay = TimeSpan.FromSeconds(5),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        InitialHttp2StreamWindowSize = 1 << 20,
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null, // the caller's trace goes on as it came
        SslOptions = new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls13 | SslProtocols.Tls12,
            ClientCertificates = [_own],
            LocalCertificateSelectionCallback = (_, _, _, _, _) => _own,
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown is X509Certificate2 certificate && authority.Key.JudgeServer(certificate, time.GetUtcNow()) == CertificateVerdict.Valid,
        },
    });
}
