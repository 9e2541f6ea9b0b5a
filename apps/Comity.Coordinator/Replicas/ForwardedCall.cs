using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Coordinator.Identity;
using Microsoft.AspNetCore.Http.Features;

namespace Comity.Coordinator.Replicas;

/// <summary>A call that another replica hands on is its caller's: his address, and the certificate that he showed there. Nobody but a replica of the same authority is believed.</summary>
internal sealed class ForwardedCall(RequestDelegate next, CertificateAuthority authority, TimeProvider time)
{
    /// <summary>The caller's address.</summary>
    public const string AddressHeader = "Comity-Caller-Address";

    /// <summary>The certificate that the caller showed (DER, base64).</summary>
    public const string CertificateHeader = "Comity-Caller-Certificate";

    public async Task InvokeAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        var (address, certificate) = (headers[AddressHeader].ToString(), headers[CertificateHeader].ToString());
        headers.Remove(AddressHeader);
        headers.Remove(CertificateHeader);
        if (context.Connection.ClientCertificate is { } shown && authority.IsReplica(shown, time.GetUtcNow()))
        {
            // Of this call only: many callers' calls share the connection between two replicas, and what is known of it.
            context.Features.Set<ITlsConnectionFeature>(new OwnCertificate { ClientCertificate = Read(certificate) });
            if (IPAddress.TryParse(address, out var from)) context.Connection.RemoteIpAddress = from;
        }
        await next(context);
    }

    private static X509Certificate2? Read(string text)
    {
        try
        {
            return text.Length == 0 ? null : X509CertificateLoader.LoadCertificate(Convert.FromBase64String(text));
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return null;
        }
    }

    private sealed class OwnCertificate : ITlsConnectionFeature
    {
        public X509Certificate2? ClientCertificate { get; set; }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);
    }
}
