using System.Net;
using System.Security.Cryptography.X509Certificates;
using Comity.Coordinator.Hosting;

namespace Comity.Coordinator.Identity;

/// <summary>The server's certificate: issued at each start, and again at half of its life for a process that lives longer.</summary>
internal sealed class ServerCertificate(CertificateAuthority authority, ServeOptions options, TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new();
    private X509Certificate2 _current = Issue(authority, options);

    /// <summary>The certificate to show, renewed where half of its life is over.</summary>
    public X509Certificate2 Current
    {
        get
        {
            lock (_gate)
            {
                // The one before may still be in a handshake: it is left to the collector.
                if (_current.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime < CertificateAuthority.Lifetime / 2) _current = Issue(authority, options);
                return _current;
            }
        }
    }

    public void Dispose()
    {
        lock (_gate) _current.Dispose();
    }

    private static X509Certificate2 Issue(CertificateAuthority authority, ServeOptions options)
    {
        var hosts = new List<string> { "localhost", "127.0.0.1", "::1", Dns.GetHostName(), options.Endpoint.Address.ToString() };
        if (options.Public is not null) hosts.Add(options.Public.Host);
        return authority.IssueServer(hosts);
    }
}
