using System.Net;
using System.Net.Sockets;

namespace Comity.EndToEnd.Tests;

/// <summary>A plain load balancer, as any company has one: it passes connections through to replicas whose <c>/readyz</c> answers, in turn, and knows nothing of what they carry.
/// While none is ready, it has them wait.</summary>
internal sealed class Balancer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly IReadOnlyList<int> _ports;
    private readonly bool[] _ready;
    private readonly Task _work;
    private int _next;

    public Balancer(IReadOnlyList<int> ports)
    {
        (_ports, _ready) = (ports, new bool[ports.Count]);
        _listener.Start();
        _work = Task.WhenAll([Task.Run(AcceptAsync), .. Enumerable.Range(0, ports.Count).Select(i => Task.Run(() => LookAsync(i)))]);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        _listener.Stop();
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _over.Dispose();
    }

    private async Task LookAsync(int index)
    {
        while (!_over.IsCancellationRequested)
        {
            // A connection of its own each time, as balancers do it.
            using var http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } }) { Timeout = TimeSpan.FromSeconds(2) };
            try
            {
                using var answer = await http.GetAsync($"https://127.0.0.1:{_ports[index]}/readyz", _over.Token);
                _ready[index] = answer.IsSuccessStatusCode;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                _ready[index] = false;
            }
            await Task.Delay(500, _over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var near = await _listener.AcceptTcpClientAsync(_over.Token);
            _ = Task.Run(() => PassAsync(near));
        }
    }

    private async Task PassAsync(TcpClient near)
    {
        using var held = near;
        while (true)
        {
            if (!_ready.Contains(true)) await Task.Delay(50, _over.Token);
            var index = (int)((uint)Interlocked.Increment(ref _next) % (uint)_ports.Count);
            if (!_ready[index]) continue;
            using var far = new TcpClient();
            try
            {
                await far.ConnectAsync(IPAddress.Loopback, _ports[index], _over.Token);
                (near.NoDelay, far.NoDelay) = (true, true);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(_over.Token);
                var (up, down) = (near.GetStream().CopyToAsync(far.GetStream(), both.Token), far.GetStream().CopyToAsync(near.GetStream(), both.Token));
                await Task.WhenAny(up, down);
                await both.CancelAsync();
                await Task.WhenAll(up, down).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            }
            catch (SocketException)
            {
                _ready[index] = false; // until it is looked at again
            }
        }
    }
}
