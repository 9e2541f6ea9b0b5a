using System.Net;
using System.Net.Sockets;

namespace Comity.Data.Tests.Fetching;

/// <summary>A real HTTP server on this machine that can break off, ignore ranges, or send something else.</summary>
internal sealed class FileServer : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Dictionary<string, byte[]> _files;
    private readonly Task _serving;

    public FileServer(Dictionary<string, byte[]> files)
    {
        _files = files;
        var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var port = ((IPEndPoint)probe.LocalEndpoint).Port;
        probe.Stop();
        Address = new Uri($"http://127.0.0.1:{port}/data/");
        _listener.Prefixes.Add(Address.ToString());
        _listener.Start();
        _serving = ServeAsync();
    }

    public Uri Address { get; }

    /// <summary>Bytes after which each answer breaks off; null: never.</summary>
    public int? BreakAfter { get; init; }

    public bool IgnoreRanges { get; init; }

    public int? Status { get; init; }

    /// <summary>First byte of each request's range; 0: none was asked for.</summary>
    public List<long> Asked { get; } = [];

    public void Dispose()
    {
        _listener.Close();
        _serving.Wait(TimeSpan.FromSeconds(5));
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            try
            {
                await AnswerAsync(context);
            }
            catch (Exception e) when (e is HttpListenerException or IOException or InvalidOperationException)
            {
                // The client went away, or we broke off as asked.
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var from = request.Headers["Range"] is { } range ? long.Parse(range["bytes=".Length..^1], System.Globalization.CultureInfo.InvariantCulture) : 0;
        Asked.Add(from);
        if (Status is not null || !_files.TryGetValue(request.Url!.Segments[^1], out var bytes))
        {
            response.StatusCode = Status ?? 404;
            response.Close();
            return;
        }
        if (IgnoreRanges) from = 0;
        if (from > 0)
        {
            response.StatusCode = 206;
            response.Headers["Content-Range"] = $"bytes {from}-{bytes.Length - 1}/{bytes.Length}";
        }
        var rest = bytes.AsMemory((int)from);
        response.ContentLength64 = rest.Length;
        await response.OutputStream.WriteAsync(BreakAfter < rest.Length ? rest[..BreakAfter.Value] : rest);
        await response.OutputStream.FlushAsync();
        if (BreakAfter < rest.Length) response.Abort();
        else response.Close();
    }
}
