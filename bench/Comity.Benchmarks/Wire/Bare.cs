using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Benchmarks.Study;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Comity.Benchmarks.Wire;

/// <summary>The rival: a bare Kestrel over TLS that writes uploads to files and sends bytes from memory, and nothing else.</summary>
internal static class BareServer
{
    public static IReadOnlyList<Demand> Run(string port)
    {
        var folder = Directory.CreateTempSubdirectory("comity-bare-").FullName;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var made = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        using var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, int.Parse(port, CultureInfo.InvariantCulture), listen => listen.UseHttps(certificate));
        });
        var application = builder.Build();
        application.Run(async context =>
        {
            var name = context.Request.Path.Value![1..];
            if (context.Request.Method == "PUT")
            {
                await using var file = new FileStream(Path.Combine(folder, name), FileMode.Create, FileAccess.Write, FileShare.None, 0, FileOptions.Asynchronous);
                await context.Request.Body.CopyToAsync(file, 1 << 20);
                return;
            }
            var bytes = long.Parse(name, CultureInfo.InvariantCulture);
            context.Response.ContentLength = bytes;
            var part = new byte[1 << 20];
            for (var sent = 0L; sent < bytes; sent += part.Length) await context.Response.Body.WriteAsync(part.AsMemory(0, (int)Math.Min(part.Length, bytes - sent)));
        });
        application.StartAsync().GetAwaiter().GetResult();
        Console.WriteLine("listening");
        Thread.Sleep(Timeout.Infinite);
        return [];
    }
}

/// <summary>The rival's other side: an HttpClient that gets bytes into a file and puts a file, and prints how long each took.</summary>
internal static class BareClient
{
    /// <summary>Arguments: port, bytes, <c>put</c> or <c>echo</c>, version of HTTP, turns, name.</summary>
    public static IReadOnlyList<Demand> Run(string[] args)
    {
        var (port, bytes, echo, version) = (args[0], long.Parse(args[1], CultureInfo.InvariantCulture), args[2] == "echo", Version.Parse(args[3]));
        var folder = Directory.CreateTempSubdirectory("comity-bare-").FullName;
        var file = Path.Combine(folder, "body");
        using (var made = File.Create(file)) made.SetLength(bytes);
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } })
        {
            BaseAddress = new Uri($"https://localhost:{port}/"), DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact, Timeout = Timeout.InfiniteTimeSpan,
        };
        for (var turn = 0; turn < int.Parse(args[4], CultureInfo.InvariantCulture); turn++)
        {
            var clock = Stopwatch.StartNew();
            if (echo) Get(http, file, bytes).GetAwaiter().GetResult();
            Put(http, file, args[5]).GetAwaiter().GetResult();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"turn {clock.Elapsed.TotalSeconds:R}"));
        }
        Directory.Delete(folder, recursive: true);
        return [];
    }

    private static async Task Get(HttpClient http, string path, long bytes)
    {
        await using var body = await http.GetStreamAsync(new Uri(bytes.ToString(CultureInfo.InvariantCulture), UriKind.Relative));
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0, FileOptions.Asynchronous);
        await body.CopyToAsync(file, 1 << 20);
    }

    private static async Task Put(HttpClient http, string path, string name)
    {
        using var content = new StreamContent(File.OpenRead(path), 1 << 20);
        using var answer = await http.PutAsync(new Uri(name, UriKind.Relative), content);
        answer.EnsureSuccessStatusCode();
    }
}

/// <summary>Both sides of the rival as processes.</summary>
internal static class Bare
{
    /// <summary>Has so many clients at once do their turns; every client's seconds, turn by turn.</summary>
    public static async Task<double[][]> RunAsync(int clients, long bytes, string what, string version, int turns)
    {
        var port = Port();
        await using var server = ChildProcess.Start("Comity.Benchmarks.dll", "", ["wire", "bare-server", port]);
        await server.SaysAsync("listening");
        var running = Enumerable.Range(0, clients).Select(i => ChildProcess.Start("Comity.Benchmarks.dll", "", ["wire", "bare-client", port, bytes.ToString(CultureInfo.InvariantCulture), what, version, turns.ToString(CultureInfo.InvariantCulture), $"c{i}"])).ToList();
        foreach (var client in running)
        {
            while (!client.HasExited) await Task.Delay(10);
        }
        await Task.Delay(100);
        var seconds = running.Select(c => c.Said.Split('\n').Where(l => l.StartsWith("turn ", StringComparison.Ordinal)).Select(l => double.Parse(l[5..], CultureInfo.InvariantCulture)).ToArray()).ToArray();
        if (seconds.Any(s => s.Length != turns)) throw new InvalidOperationException(running[0].Said + server.Said);
        return seconds;
    }

    private static string Port()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
    }
}
