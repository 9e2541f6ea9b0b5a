using System.Net;
using System.Net.Sockets;
using Comity.Tensors.Randomness;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>What a proxy does to the connections that go through it.</summary>
internal sealed record Chaos
{
    /// <summary>Added to each piece of data.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Chance that a piece of data ends its connection by a reset instead of going on.</summary>
    public double Resets { get; init; }

    /// <summary>Bytes a second in each direction; null: as fast as it goes.</summary>
    public int? BytesPerSecond { get; init; }

    /// <summary>Bytes after which a connection falls silent without being closed, in the direction of the answers; null: never.</summary>
    public int? SilentAfter { get; init; }

    /// <summary>Whether the direction of the calls is silent too: a connection that is only half there.</summary>
    public bool SwallowsCalls { get; init; }

    /// <summary>Whether connections are cut, and new ones refused.</summary>
    public bool Down { get; init; }
}

/// <summary>A proxy of ours between a site and the coordinator that does what bad networks do: delays, resets, trickles, falls silent.</summary>
internal sealed class ChaosProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly SeededRandom _random;
    private readonly Task _accepting;
    private readonly int _target;

    public ChaosProxy(int target, ulong seed)
    {
        (_target, _random) = (target, Seed.Of(seed).For("chaos").ToRandom());
        _listener.Server.ReceiveBufferSize = 64 << 10; // what a bad line has not taken yet waits at the sender
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What it does from now on.</summary>
    public Chaos Chaos { get; set; } = new();

    /// <summary>Connections that it ended by a reset.</summary>
    public int ResetsDone { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var near = await _listener.AcceptTcpClientAsync(_over.Token);
            _ = Task.Run(async () =>
            {
                using (near)
                {
                    using var far = new TcpClient { NoDelay = true };
                    near.NoDelay = true;
                    try
                    {
                        await far.ConnectAsync(IPAddress.Loopback, _target, _over.Token);
                        await Task.WhenAny(PumpAsync(near, far, answers: false), PumpAsync(far, near, answers: true));
                    }
                    catch (Exception e) when (e is SocketException or OperationCanceledException)
                    {
                        // The coordinator is being started again: the site sees a closed connection.
                    }
                }
            });
        }
    }

    private async Task PumpAsync(TcpClient from, TcpClient to, bool answers)
    {
        var buffer = new byte[16 << 10];
        long passed = 0;
        while (true)
        {
            var read = await from.GetStream().ReadAsync(buffer, _over.Token);
            if (read == 0) return;
            var chaos = Chaos;
            if (chaos.Down) return;
            if (!answers && chaos.SwallowsCalls) continue;
            if (chaos.Resets > 0 && Draw() < chaos.Resets)
            {
                ResetsDone++;
                from.Client.LingerState = to.Client.LingerState = new LingerOption(true, 0);
                return;
            }
            passed += read;
            if (answers && passed > chaos.SilentAfter) await Task.Delay(Timeout.Infinite, _over.Token);
            if (chaos.Latency > TimeSpan.Zero) await Task.Delay(chaos.Latency, _over.Token);
            if (chaos.BytesPerSecond is { } rate) await Task.Delay(TimeSpan.FromSeconds((double)read / rate), _over.Token);
            await to.GetStream().WriteAsync(buffer.AsMemory(0, read), _over.Token);
        }
    }

    private double Draw()
    {
        lock (_random) return _random.NextDouble();
    }
}
