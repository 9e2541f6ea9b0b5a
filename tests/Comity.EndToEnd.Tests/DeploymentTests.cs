using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Comity.Serving.Releases;
using Comity.Tensors.Files;
using Comity.Testing;

namespace Comity.EndToEnd.Tests;

/// <summary>From a run into two markets through a coordinator, with processes and commands as people have them.</summary>
public sealed partial class DeploymentTests(SmallRun run) : IClassFixture<SmallRun>
{
    private const string Record = """{"age": 63, "dose": 2.5, "ward": "b"}""";

    [Fact]
    public async Task Serving_nodes_join_follow_a_canary_and_its_promotion_and_go_on_without_the_coordinator()
    {
        using var folder = new TempFolder();
        await using var federation = await FederationProcesses.StartAsync(folder.FullPath);
        foreach (var version in new[] { "1.0.0", "1.1.0" })
            Done(await federation.AuthorAsync("release", run.Folder, "--model", version == "1.0.0" ? "pooled" : "federated/average", "--name", "small", "--version", version));
        await OrderAsync(federation, "small-1.0.0.comity", "--markets", "here,there");

        await federation.StartNodeAsync("here-1", "here");
        await federation.StartNodeAsync("there-1", "there");
        using var client = new HttpClient();
        Uri here = await AddressAsync(federation, "here-1"), there = await AddressAsync(federation, "there-1");
        await AnswersAsync(client, here, "1.0.0");
        await AnswersAsync(client, there, "1.0.0");

        // A canary in one market, seen by whoever asks, then promoted; the other market is not touched.
        await OrderAsync(federation, "small-1.1.0.comity", "--markets", "there", "--canary", "50%");
        await AnswersAsync(client, there, "1.1.0");
        await AnswersAsync(client, there, "1.0.0");
        Assert.True(await federation.ShowsAsync(o => NodeLine("there-1").Match(o).Value.Contains("1.1.0", StringComparison.Ordinal), "deployments"), federation.Said());
        await OrderAsync(federation, "small-1.1.0.comity", "--markets", "there");
        Assert.True(await federation.ShowsAsync(o => !NodeLine("there-1").Match(o).Value.Contains("1.0.0", StringComparison.Ordinal), "deployments"), federation.Said());
        Assert.Contains("1.0.0", NodeLine("here-1").Match((await federation.AuthorAsync("deployments")).Output).Value, StringComparison.Ordinal);

        // The coordinator goes away; a node that is started again serves on from what it fetched.
        await federation.StopAsync("coordinator");
        await federation.StopAsync("there-1");
        await federation.StartNodeAsync("there-1", "there", join: false);
        await AnswersAsync(client, await AddressAsync(federation, "there-1"), "1.1.0");
    }

    [Fact]
    public async Task A_canary_whose_answers_fail_is_rolled_back_by_its_node_and_the_coordinator_tells_so()
    {
        using var folder = new TempFolder();
        await using var federation = await FederationProcesses.StartAsync(folder.FullPath);
        foreach (var version in new[] { "1.0.0", "1.1.0" })
            Done(await federation.AuthorAsync("release", run.Folder, "--model", "pooled", "--name", "small", "--version", version));
        await OrderAsync(federation, "small-1.0.0.comity", "--markets", "there");
        await federation.StartNodeAsync("there-1", "there");
        using var client = new HttpClient();
        var there = await AddressAsync(federation, "there-1");
        await AnswersAsync(client, there, "1.0.0");

        Break(folder.At("small-1.1.0.comity"), folder.At("home"));
        await OrderAsync(federation, "small-1.1.0.comity", "--markets", "there", "--canary", "50%");
        var failed = 0;
        for (var tries = 0; tries < 2400 && failed < 3; tries++)
        {
            // Until the node gives it up, half of the answers fail; the stable version's never do.
            var (status, version) = await AskAsync(client, there);
            if (status == 500) failed++;
            else Assert.Equal((200, "1.0.0"), (status, version));
            if (failed == 0) await Task.Delay(100); // the order has not arrived yet
        }
        Assert.Equal(3, failed);

        Assert.True(await federation.ShowsAsync(o => NodeLine("there-1").Match(o).Value is var line && line.Contains("too many failed answers", StringComparison.Ordinal) && !line.Contains("1.1.0", StringComparison.Ordinal), "deployments"), federation.Said());
        for (var i = 0; i < 20; i++) Assert.Equal((200, "1.0.0"), await AskAsync(client, there));
    }

    // The same release with weights whose products leave the numbers, signed by its own signer: it loads, and whatever is asked, it can't answer.
    private static void Break(string file, string home)
    {
        var release = Release.Read(file, TrustedSigners.Read(Path.Combine(home, "trusted-signers.json")));
        var content = Safetensors.Read(new MemoryStream(release[Release.WeightsPart].ToArray()), file);
        // Whatever the order of a processor's sums: all of a record's numbers are positive, so a hidden unit answers infinity, and infinity times 0 is no number.
        content.Parameters.AsSpan().Fill(float.MaxValue);
        content.Layout.Slice(content.Parameters, content.Layout.Entries.Last(e => e.Shape.Count == 2)).Clear();
        using var weights = new MemoryStream();
        Safetensors.Write(weights, content.Layout, content.Parameters, content.Metadata);
        string[] others = [Release.PreprocessingPart, Release.StatisticsPart, Release.CardPart, Release.ChineseCardPart];
        var parts = others.ToDictionary(p => p, p => release[p].ToArray());
        parts[Release.WeightsPart] = weights.ToArray();
        using var key = SigningKey.OpenOrCreate(Path.Combine(home, "keys", "release.pem"));
        File.WriteAllBytes(file, Release.Write(release.Manifest, parts, key));
    }

    private static async Task<(int Status, string? Version)> AskAsync(HttpClient client, Uri address)
    {
        using var response = await client.PostAsync(new Uri(address, "/predict"), new StringContent(Record, Encoding.UTF8, "application/json"));
        return ((int)response.StatusCode, (string?)(await response.Content.ReadFromJsonAsync<JsonNode>())?["version"]);
    }

    private static async Task OrderAsync(FederationProcesses federation, params string[] arguments) =>
        Done(await federation.AuthorAsync(["deploy", .. arguments, "--approve-by", "A. Kovács", "--because", "ethics board"]));

    private static void Done(CommandResult result) => Assert.True(result.ExitCode == 0, result.ToString());

    private static async Task<Uri> AddressAsync(FederationProcesses federation, string node)
    {
        Assert.True(await federation.SaysAsync(node, "http://127.0.0.1:"), federation.Said());
        return new Uri(Address().Match(federation.OutputOf(node)).Value);
    }

    private static async Task AnswersAsync(HttpClient client, Uri address, string version)
    {
        for (var tries = 0; tries < 2400; tries++)
        {
            using var response = await client.PostAsync(new Uri(address, "/predict"), new StringContent(Record, Encoding.UTF8, "application/json"));
            if (response.IsSuccessStatusCode && (string)(await response.Content.ReadFromJsonAsync<JsonNode>())!["version"]! == version) return;
            await Task.Delay(100);
        }
        Assert.Fail($"{address} never answered by {version}.");
    }

    private static Regex NodeLine(string node) => new($"(?m)^.*/{node}.*$");

    [GeneratedRegex("http://127\\.0\\.0\\.1:\\d+")]
    private static partial Regex Address();
}
