using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Comity.Serving.Hosting;
using Comity.Serving.Inference;
using Comity.Serving.Releases;
using Comity.Testing;

namespace Comity.Serving.Tests.Hosting;

/// <summary>A real server on a port of its own, with the small release in service.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly TempFolder _folder = new();

    private RunningServer()
    {
    }

    public SigningKey Key { get; } = SigningKey.Create();

    public ModelServer Server { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    /// <summary>Where its feedback is stored.</summary>
    public Comity.Serving.Feedback.StoreAddress Store { get; private set; } = null!;

    public string State => _folder.At("state");

    public string Releases => _folder.FullPath;

    public static async Task<RunningServer> StartAsync(Func<ServerOptions, ServerOptions>? change = null, bool empty = false)
    {
        var running = new RunningServer();
        var options = new ServerOptions
        {
            Address = new IPEndPoint(IPAddress.Loopback, 0),
            Market = "hu",
            State = running.State,
            Language = CultureInfo.GetCultureInfo("en"),
            Releases = running.Releases,
            Trusted = Tests.Releases.Sample.Trusting(running.Key),
            Limits = new ServingLimits { Drain = TimeSpan.FromMilliseconds(50) },
        };
        options = change?.Invoke(options) ?? options;
        running.Store = options.StoreAddress;
        running.Server = await ModelServer.StartAsync(options, TimeProvider.System, CancellationToken.None);
        running.Client = new HttpClient { BaseAddress = running.Server.Address };
        if (!empty) running.Server.Put(SmallRelease.Read(running.Key));
        return running;
    }

    public Task<HttpResponseMessage> PostAsync(string path, string json, string type = "application/json") => Client.PostAsync(path, new StringContent(json, Encoding.UTF8, type));

    public async Task<JsonNode> AnswerAsync(string path, string json, string type = "application/json")
    {
        using var response = await PostAsync(path, json, type);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode}: {text}");
        return JsonNode.Parse(text)!;
    }

    public async Task<(int Status, JsonNode Body)> RefusedAsync(string path, string json, string type = "application/json")
    {
        using var response = await PostAsync(path, json, type);
        Assert.False(response.IsSuccessStatusCode);
        return ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonNode>())!);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
        Key.Dispose();
        _folder.Dispose();
    }
}
