using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Coordinator.Identity;
using Comity.Coordinator.Replicas;
using Comity.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Comity.Coordinator.Tests.Replicas;

/// <summary>Who a call is from that one replica hands on to another.</summary>
public sealed class ForwardedCallTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly CertificateAuthority _authority;

    public ForwardedCallTests() => _authority = CertificateAuthority.OpenOrMake(_folder.FullPath, TimeProvider.System);

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Calls_that_share_the_connection_between_two_replicas_keep_each_its_own_caller()
    {
        using var replica = _authority.IssueReplica();
        var connection = new Connection { ClientCertificate = replica };
        using var north = Member("north");
        using var south = Member("south");

        var first = await PassAsync(connection, north, "203.0.113.1");
        var second = await PassAsync(connection, south, "203.0.113.2");
        var bare = await PassAsync(connection, null, "203.0.113.3");

        Assert.Equal([north.Thumbprint, south.Thumbprint, null], new[] { first, second, bare }.Select(c => c.Connection.ClientCertificate?.Thumbprint));
        Assert.Equal(["203.0.113.1", "203.0.113.2", "203.0.113.3"], new[] { first, second, bare }.Select(c => c.Connection.RemoteIpAddress!.ToString()));
        Assert.Same(replica, connection.ClientCertificate);
    }

    [Fact]
    public async Task Nobody_but_a_replica_of_the_same_authority_speaks_for_others()
    {
        using var other = new TempFolder();
        using var foreign = CertificateAuthority.OpenOrMake(other.FullPath, TimeProvider.System);
        using var stranger = foreign.IssueReplica();
        using var member = Member("Comity-replica");
        using var claimed = Member("north");
        foreach (var shown in new[] { stranger, member, null })
        {
            var call = await PassAsync(new Connection { ClientCertificate = shown }, claimed, "203.0.113.1");
            Assert.Same(shown, call.Connection.ClientCertificate);
            Assert.Null(call.Connection.RemoteIpAddress);
            Assert.Empty(call.Request.Headers); // what they claimed is not handed on either
        }
    }

    private X509Certificate2 Member(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return _authority.IssueMember(name, new PublicKey(key));
    }

    private async Task<HttpContext> PassAsync(Connection connection, X509Certificate2? caller, string address)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<ITlsConnectionFeature>(connection);
        context.Request.Headers[ForwardedCall.AddressHeader] = address;
        if (caller is not null) context.Request.Headers[ForwardedCall.CertificateHeader] = Convert.ToBase64String(caller.RawData);
        await new ForwardedCall(_ => Task.CompletedTask, _authority, TimeProvider.System).InvokeAsync(context);
        return context;
    }

    // One for all calls of a connection, as in Kestrel.
    private sealed class Connection : ITlsConnectionFeature
    {
        public X509Certificate2? ClientCertificate { get; set; }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);
    }
}
