using System.Net;
using System.Net.Sockets;
using Comity.Transport.Identity;

namespace Comity.Transport.Tests.Identity;

public sealed class IdentityClientTests
{
    /// <summary>What a proxy does that holds a connection open and has nobody behind it; no ping of HTTP/2 finds that out.</summary>
    [Fact]
    public async Task A_server_that_takes_a_call_and_says_nothing_is_given_up()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/"), Timeout = Timeout.InfiniteTimeSpan };
        var client = new IdentityClient(http) { Limit = TimeSpan.FromSeconds(0.2) };
        using var hang = new CancellationTokenSource(TimeSpan.FromMinutes(1)); // else it would never end

        await Assert.ThrowsAsync<TimeoutException>(() => client.MeAsync(hang.Token));
        await Assert.ThrowsAsync<TimeoutException>(() => client.SendProbeAsync(new byte[1000], hang.Token));
        await Assert.ThrowsAsync<TimeoutException>(() => client.ReceiveProbeAsync(1000, hang.Token));
    }

    [Fact]
    public async Task Who_leaves_is_not_told_of_silence()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/"), Timeout = Timeout.InfiniteTimeSpan };
        using var leaving = new CancellationTokenSource();
        var call = new IdentityClient(http).MeAsync(leaving.Token);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }
}
