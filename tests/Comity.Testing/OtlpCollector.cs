using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Comity.Testing;

/// <summary>Takes what is sent to an OpenTelemetry collector (OTLP over HTTP), on loopback.</summary>
public sealed class OtlpCollector : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Task<List<(string Path, byte[] Body)>> _received;

    public OtlpCollector()
    {
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Address = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}";
        }
        _listener.Prefixes.Add(Address + "/");
        _listener.Start();
        _received = TakeAsync();
    }

    /// <summary>What <c>--otlp</c> is given.</summary>
    public string Address { get; }

    /// <summary>Ends it.</summary>
    /// <returns>The paths that were called, and all bodies together, one character a byte.</returns>
    public async Task<(IReadOnlyList<string> Paths, string Text)> EndAsync()
    {
        _listener.Stop();
        var received = await _received.ConfigureAwait(false);
        return ([.. received.Select(r => r.Path)], string.Concat(received.Select(r => Encoding.Latin1.GetString(r.Body))));
    }

    public void Dispose() => ((IDisposable)_listener).Dispose();

    private async Task<List<(string, byte[])>> TakeAsync()
    {
        var received = new List<(string, byte[])>();
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync().ConfigureAwait(false);
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body).ConfigureAwait(false);
                received.Add((context.Request.Url!.AbsolutePath, body.ToArray()));
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            return received;
        }
    }
}
