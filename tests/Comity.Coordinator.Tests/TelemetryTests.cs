using System.Net;
using System.Text;
using Comity.Testing;

namespace Comity.Coordinator.Tests;

/// <summary>What the coordinator tells machines about itself, and what it never tells.</summary>
public sealed class TelemetryTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    [Fact]
    public async Task Numbers_and_traces_reach_a_collector_and_logs_are_JSON_and_nothing_holds_a_secret()
    {
        using var folder = new TempFolder();
        using var collector = new HttpListener();
        var port = FreePort();
        collector.Prefixes.Add($"http://127.0.0.1:{port}/");
        collector.Start();
        var received = CollectAsync(collector);

        await using var process = CommandProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "comity-coordinator.dll"), "serve",
            "--listen", "https://127.0.0.1:0", "--data", folder.At("data"), "--otlp", $"http://127.0.0.1:{port}", "--lang", "en"]);
        Assert.True(await process.WaitUntilAsync(p => p.Output.Contains("A site joins", StringComparison.Ordinal), Patience), process.Error);
        var address = new Uri(process.Output.Split("Listening on ")[1].Split('\n')[0]);
        var code = Transport.Identity.JoinCode.Parse(process.Output.Split("Join code: ")[1].Split('\n')[0])!;
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true } }) { BaseAddress = address };
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Bearer comity_000000000000_SECRETSECRETSECRET");
        await http.GetAsync("/v1/me");
        var token = new StringWriter();
        await CoordinatorCommandLine.RunAsync(["tokens", "create", "--name", "ana", "--role", "author", "--data", folder.At("data")], _ => null, token, TextWriter.Null, TimeProvider.System, default);
        using var asking = new HttpRequestMessage(HttpMethod.Get, "/v1/studies/none");
        asking.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token.ToString().Trim());
        http.DefaultRequestHeaders.Clear();
        await http.SendAsync(asking);
        process.Terminate();
        await process.WaitAsync(Patience);
        collector.Stop();
        var bodies = await received;

        var text = string.Concat(bodies.Select(b => Encoding.Latin1.GetString(b.Body)));
        Assert.Contains(bodies, b => b.Path == "/v1/metrics");
        Assert.Contains(bodies, b => b.Path == "/v1/traces");
        foreach (var name in new[] { "comity.calls.refused", "comity.members", "http.server.request.duration", "token-wrong", "study-unknown", "comity-coordinator", "/v1/me" })
            Assert.Contains(name, text, StringComparison.Ordinal);

        var lines = process.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => System.Text.Json.JsonDocument.Parse(line).Dispose());
        Assert.Contains(lines, l => l.Contains("token-wrong", StringComparison.Ordinal) && l.Contains("TraceId", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("study-unknown", StringComparison.Ordinal) && l.Contains("TraceId", StringComparison.Ordinal));
        foreach (var secret in new[] { token.ToString().Trim().Split('_')[2], "SECRETSECRET", code.Secret, code.ToString(), File.ReadAllText(folder.At("data", "authority.key")).Split('\n')[1] })
        {
            Assert.DoesNotContain(secret, process.Error, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
        }
    }

    private static async Task<List<(string Path, byte[] Body)>> CollectAsync(HttpListener collector)
    {
        var bodies = new List<(string, byte[])>();
        try
        {
            while (true)
            {
                var context = await collector.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                bodies.Add((context.Request.Url!.AbsolutePath, body.ToArray()));
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            return bodies;
        }
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
