using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Comity.EndToEnd.Tests;

/// <summary>A company's proxy for the way out: it opens tunnels where it is asked to (RFC 9110, CONNECT), and sees what it is asked.</summary>
internal sealed class ConnectProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly Task _taking;

    public ConnectProxy()
    {
        _listener.Start();
        _taking = TakeAsync();
    }

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>The first line of each call.</summary>
    public ConcurrentQueue<string> Asked { get; } = [];

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        _listener.Dispose();
        await _taking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task TakeAsync()
    {
        while (true) _ = TunnelAsync(await _listener.AcceptTcpClientAsync(_over.Token));
    }

    private async Task TunnelAsync(TcpClient caller)
    {
        using (caller)
        {
            var inner = caller.GetStream();
            var head = new StringBuilder();
            var one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                if (await inner.ReadAsync(one, _over.Token) == 0) return;
                head.Append((char)one[0]);
            }
            var line = head.ToString().Split("\r\n")[0];
            Asked.Enqueue(line);
            var host = line.Split(' ')[1].Split(':');
            using var server = new TcpClient();
            await server.ConnectAsync(host[0], int.Parse(host[1], System.Globalization.CultureInfo.InvariantCulture), _over.Token);
            await inner.WriteAsync("HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray(), _over.Token);
            await Task.WhenAny(inner.CopyToAsync(server.GetStream(), _over.Token), server.GetStream().CopyToAsync(inner, _over.Token));
        }
    }
}
