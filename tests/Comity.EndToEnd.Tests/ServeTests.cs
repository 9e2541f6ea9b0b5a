using System.Globalization;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary><c>comity serve</c> as a process of its own, whose connections are heard by the threads that answer small requests.</summary>
public sealed partial class ServeTests(SmallRun run) : IClassFixture<SmallRun>
{
    private const int Connections = 24;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    [Theory]
    [InlineData(null)]
    [InlineData("0")]
    public async Task Requests_whose_bodies_come_late_and_long_ones_hold_nobody_else_up(string? inline)
    {
        using var here = new TempFolder();
        var environment = new Dictionary<string, string?> { ["COMITY_HOME"] = here.At("home"), ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = inline, ["LC_ALL"] = null, ["LANG"] = "C.UTF-8" };
        foreach (var version in new[] { "1.0.0", "1.1.0" })
        {
            var made = await CommandProcess.RunComityAsync(["release", run.Folder, "--model", "pooled", "--name", "small", "--version", version], Limit, here.FullPath, environment);
            Assert.True(made.ExitCode == 0, made.ToString());
        }
        await using var server = CommandProcess.StartComity(["serve", "small-1.0.0.comity", "--market", "here", "--listen", "http://127.0.0.1:0", "--state", here.At("state"), "--drain", "0"], here.FullPath, environment);
        Assert.True(await server.WaitUntilAsync(p => Address().IsMatch(p.Output), Limit), server.Error);
        using var client = new HttpClient { BaseAddress = new Uri(Address().Match(server.Output).Value), Timeout = Limit };
        var encoded = (await client.GetFromJsonAsync<JsonNode>("/v2/models/small"))!["parameters"]!["encoded_input"]!;
        var width = (int)encoded["shape"]![1]!;

        string Infer(int rows, string outputs) =>
            $$"""{"inputs": [{"name": "{{encoded["name"]}}", "datatype": "FP32", "shape": [{{rows}}, {{width}}], "data": [{{string.Join(',', Enumerable.Range(0, rows * width).Select(i => (0.25 * (i % 7)).ToString(CultureInfo.InvariantCulture)))}}]}]{{outputs}}}""";
        async Task<JsonNode> AnswerAsync(string path, string body)
        {
            using var response = await client.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(response.IsSuccessStatusCode, text);
            return JsonNode.Parse(text.Length == 0 ? "{}" : text)!;
        }

        // More connections than threads, all of them with a head and no body yet: nobody may wait for them.
        var answered = await AnswerAsync("/v2/models/small/infer", Infer(Connections, """, "outputs": [{"name": "answer_id"}]"""));
        var ids = answered["outputs"]![0]!["data"]!.AsArray().Select(id => (string)id!).ToList();
        var late = new List<(TcpClient Connection, string Body)>();
        foreach (var id in ids)
        {
            var body = $$"""{"id": "{{id}}", "rating": 4, "comment": "late"}""";
            var connection = new TcpClient();
            await connection.ConnectAsync(client.BaseAddress.Host, client.BaseAddress.Port);
            await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST /feedback HTTP/1.1\r\nHost: small\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"));
            late.Add((connection, body));
        }

        // Long bodies, a version that is loaded and single rows, side by side.
        var work = Enumerable.Range(0, 8).Select(_ => AnswerAsync("/v2/models/small/infer", Infer(2000, "")))
            .Concat(Enumerable.Range(0, 200).Select(_ => AnswerAsync("/v2/models/small/infer", Infer(1, ""))))
            .Append(AnswerAsync("/v2/repository/models/small/load", """{"parameters": {"version": "1.1.0"}}""")).ToList();
        await Task.WhenAll(work).WaitAsync(Limit);
        var one = await AnswerAsync("/v2/models/small/infer", Infer(1, ""));
        Assert.Equal("1.1.0", (string)one["model_version"]!);

        foreach (var (connection, body) in late)
        {
            await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(body));
            using var reader = new StreamReader(connection.GetStream());
            Assert.Contains("\"stored\":1", await reader.ReadToEndAsync().WaitAsync(Limit), StringComparison.Ordinal);
            connection.Dispose();
        }
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+")]
    private static partial Regex Address();
}
