using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace Comity.Serving.Tests.Hosting;

/// <summary>Versions come and go under load: nothing fails, and no answer mixes two.</summary>
public sealed class SwapTests
{
    private const string Record = """{"age": 63, "dose": 2.5, "ward": "b"}""";

    private static async Task<double> Certainty(string version, ulong seed)
    {
        await using var server = await RunningServer.StartAsync(empty: true);
        server.Server.Put(SmallRelease.Read(server.Key, version, seed));
        return (double)(await server.AnswerAsync("/predict", Record))["certainty"]!;
    }

    [Fact]
    public async Task Swapping_back_and_forth_loses_no_request_and_mixes_no_answer()
    {
        // Given two versions that answer differently
        Dictionary<string, double> expected = new() { ["1.0.0"] = await Certainty("1.0.0", 1), ["1.1.0"] = await Certainty("1.1.0", 2) };
        Assert.NotEqual(expected["1.0.0"], expected["1.1.0"]);
        await using var server = await RunningServer.StartAsync();
        server.Server.Put(SmallRelease.Read(server.Key, "1.1.0", 2), share: 0);

        // When eight clients ask while the version changes all the time
        using var stop = new CancellationTokenSource();
        var answered = new ConcurrentDictionary<string, int>();
        var clients = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 250; i++)
            {
                var answer = await server.AnswerAsync("/predict", Record);
                var version = (string)answer["version"]!;
                Assert.Equal(expected[version], (double)answer["certainty"]!);
                answered.AddOrUpdate(version, 1, (_, n) => n + 1);
            }
        })).ToList();
        var swapping = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                server.Server.Activate("ward", i % 2 == 0 ? "1.1.0" : "1.0.0");
                await Task.Delay(1);
            }
        });
        await Task.WhenAll(clients);
        await stop.CancelAsync();
        await swapping;

        // Then
        Assert.Equal(2000, answered.Values.Sum());
        Assert.Equal(["1.0.0", "1.1.0"], answered.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_canary_gets_its_share_of_the_requests()
    {
        await using var server = await RunningServer.StartAsync();
        server.Server.Put(SmallRelease.Read(server.Key, "1.1.0", 2), share: 0.1);

        var versions = new List<string>();
        for (var i = 0; i < 200; i++) versions.Add((string)(await server.AnswerAsync("/predict", Record))["version"]!);

        Assert.InRange(versions.Count(v => v == "1.1.0"), 18, 22);
    }

    [Fact]
    public async Task An_operator_loads_a_version_from_the_servers_folder_and_nothing_else()
    {
        await using var server = await RunningServer.StartAsync();
        File.WriteAllBytes(Path.Combine(server.Releases, "ward-2.0.0.comity"), SmallRelease.Bytes(server.Key, "2.0.0", 3));
        using var stranger = Comity.Serving.Releases.SigningKey.Create();
        File.WriteAllBytes(Path.Combine(server.Releases, "ward-6.6.6.comity"), SmallRelease.Bytes(stranger, "6.6.6", 3));

        using (var loaded = await server.PostAsync("/v2/repository/models/ward/load", """{"parameters": {"version": "2.0.0"}}""")) Assert.True(loaded.IsSuccessStatusCode);
        Assert.Equal("2.0.0", (string)(await server.AnswerAsync("/predict", Record))["version"]!);

        Assert.Equal((422, "release-signer"), Code(await server.RefusedAsync("/v2/repository/models/ward/load", """{"parameters": {"version": "6.6.6"}}""")));
        Assert.Equal((404, "version-unknown"), Code(await server.RefusedAsync("/v2/repository/models/ward/load", """{"parameters": {"version": "../../x"}}""")));
        Assert.Equal((409, "version-in-use"), Code(await server.RefusedAsync("/v2/repository/models/ward/unload", """{"parameters": {"version": "2.0.0"}}""")));
        using (var unloaded = await server.PostAsync("/v2/repository/models/ward/unload", """{"parameters": {"version": "1.0.0"}}""")) Assert.True(unloaded.IsSuccessStatusCode);
        Assert.Equal((404, "version-unknown-of"), Code(await server.RefusedAsync("/predict/ward/1.0.0", Record)));
    }

    [Fact]
    public async Task Stopping_answers_what_was_begun_and_says_that_it_is_not_ready()
    {
        await using var server = await RunningServer.StartAsync(o => o with { Limits = o.Limits with { Drain = TimeSpan.FromSeconds(10) } });
        await server.AnswerAsync("/predict", Record);

        var stopping = server.Server.StopAsync(CancellationToken.None);
        using var ready = await server.Client.GetAsync("/v2/health/ready");
        var last = await server.AnswerAsync("/predict", Record);
        await stopping;

        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.True(ready.Headers.ConnectionClose);
        Assert.NotNull(last["label"]);
    }

    private static (int, string) Code((int Status, JsonNode Body) refused) => (refused.Status, (string)refused.Body["code"]!);
}
