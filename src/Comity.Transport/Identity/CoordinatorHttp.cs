using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Comity.Transport.Identity;

/// <summary>Opens connections to a coordinator: the right server or none, every call signed, the system's proxy honoured, HTTP/2 with fall-back to 1.1.</summary>
public static class CoordinatorHttp
{
    /// <summary>A client for a connection. The caller disposes it.</summary>
    /// <param name="connection">Where and as whom.</param>
    /// <param name="time">The clock of certificates and signatures.</param>
    /// <returns>A client whose calls throw <see cref="UntrustedCoordinatorException"/> where the server is not the coordinator; nothing was sent then.</returns>
    public static HttpClient Connect(CoordinatorConnection connection, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(time);
        var client = new HttpClient(new SigningHandler(connection, time) { InnerHandler = Sockets(connection, time) })
        {
            BaseAddress = connection.Address,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
            Timeout = Timeout.InfiniteTimeSpan, // liveness is the caller's: it knows what progress is
        };
        if (connection.Token is { } token) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    private static SocketsHttpHandler Sockets(CoordinatorConnection connection, TimeProvider time)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionLifetime = TimeSpan.FromHours(1), // addresses and certificates change
            EnableMultipleHttp2Connections = true,
            // A half-open connection is found while a call waits on it, not when the call gives up. Whatever arrives counts as an answer.
            KeepAlivePingDelay = TimeSpan.FromSeconds(10),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            InitialHttp2StreamWindowSize = 1 << 20, // else a long line begins each body at 64 KiB a turn
            AllowAutoRedirect = false, // a signature is for one target
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = 32,
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = SslProtocols.Tls13 | SslProtocols.Tls12,
                RemoteCertificateValidationCallback = (_, certificate, chain, errors) => Judge(connection, certificate as X509Certificate2, chain, errors, time),
            },
        };
        if (connection.Certificate is { } own)
        {
            handler.SslOptions.ClientCertificates = [own];
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => own;
        }
        return handler;
    }

    private static bool Judge(CoordinatorConnection connection, X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, TimeProvider time)
    {
        if (certificate is null) return false;
        if (connection.Authority is { } authority && !connection.ThroughProxy)
        {
            // The name is not looked at: the authority certifies one server, and addresses change.
            var verdict = authority.JudgeServer(certificate, time.GetUtcNow());
            return verdict == CertificateVerdict.Valid ? true : throw new UntrustedCoordinatorException(connection.Address, verdict, certificate.Issuer);
        }
        if (errors == SslPolicyErrors.None && connection.Roots.Count == 0) return true;
        if (connection.Roots.Count > 0 && chain is not null && (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) == SslPolicyErrors.None)
        {
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(connection.Roots);
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            if (chain.Build(certificate)) return true;
        }
        throw new UntrustedCoordinatorException(connection.Address, CertificateVerdict.Foreign, certificate.Issuer);
    }
}

/// <summary>The server is not the coordinator that was agreed on. Nothing was sent to it.</summary>
/// <param name="address">What was called.</param>
/// <param name="verdict">What is wrong with its certificate, or with its proof.</param>
/// <param name="issuer">Who issued its certificate, as it says.</param>
public sealed class UntrustedCoordinatorException(Uri address, CertificateVerdict verdict, string issuer)
    : AuthenticationException($"{address} is not the coordinator that was agreed on ({verdict}; its certificate was issued by {issuer}). Nothing was sent.")
{
    /// <summary>What was called.</summary>
    public Uri Address { get; } = address;

    /// <summary>What is wrong.</summary>
    public CertificateVerdict Verdict { get; } = verdict;

    /// <summary>Who issued the server's certificate, as it says.</summary>
    public string Issuer { get; } = issuer;

    /// <summary>The exception within one that a call threw, or null.</summary>
    public static UntrustedCoordinatorException? Within(Exception? exception)
    {
        while (exception is not (null or UntrustedCoordinatorException)) exception = exception.InnerException;
        return exception as UntrustedCoordinatorException;
    }
}
