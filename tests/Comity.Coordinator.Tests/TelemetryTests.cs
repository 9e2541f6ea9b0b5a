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
        using var collector = new OtlpCollector();

        await using var process = CommandProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "comity-coordinator.dll"), "serve",
            "--listen", "https://127.0.0.1:0", "--data", folder.At("data"), "--otlp", collector.Address, "--lang", "en"]);
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
        var (paths, text) = await collector.EndAsync();

        foreach (var path in new[] { "/v1/metrics", "/v1/traces" }) Assert.Contains(path, paths);
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
}
