using System.Net;
using System.Text;
using System.Text.Json;
using Comity.Tensors.Randomness;
using Comity.Transport.Clients;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>Messages changed at random, sent by a site that is who it says: nothing falls over, and nothing counts that should not.</summary>
public sealed class FuzzTests : IAsyncDisposable
{
    private const int Messages = 3000;
    private readonly LoopbackFederation _federation = new();

    public ValueTask DisposeAsync() => _federation.DisposeAsync();

    [Fact]
    public async Task Mutated_messages_are_refused_by_name_and_the_study_ends_as_if_they_had_not_come()
    {
        var yaml = LoopbackFederation.Yaml("arms: [federated]\nfederation: { rounds: 3, localEpochs: 5 }");
        await _federation.StartAsync();
        await _federation.Author.SubmitAsync(LoopbackFederation.Submission(yaml), default);
        using var http = _federation.Client("s2", CallerRole.Site);
        var key = (await new SiteClient(http, TimeProvider.System).WorkAsync(new WorkRequest(1, [], 8, 20, []), default)).Tasks.Single().Key;
        var seeds = Originals(key);
        var random = Seed.Of(9).For("fuzz").ToRandom();
        var statuses = new Dictionary<HttpStatusCode, int>();
        for (var i = 0; i < Messages; i++)
        {
            var (method, path, body) = seeds[random.NextInt32(seeds.Count)];
            using var request = new HttpRequestMessage(method, Mutate(path, random)) { Content = new ByteArrayContent(Mutate(body, random)), Version = HttpVersion.Version20 };
            var status = HttpStatusCode.BadRequest;
            try
            {
                using var response = await http.SendAsync(request);
                status = response.StatusCode;
            }
            catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.HttpProtocolError)
            {
                // Not even HTTP: the server ends the stream before anything of ours sees it.
            }
            statuses[status] = statuses.GetValueOrDefault(status) + 1;
            Assert.True((int)status < 500 || status is HttpStatusCode.ServiceUnavailable, $"{method} {path}: {status}");
        }
        Assert.True(statuses.GetValueOrDefault(HttpStatusCode.BadRequest) > Messages / 20, JsonSerializer.Serialize(statuses));
        var view = await _federation.Author.ViewAsync("test-1", 0, TimeSpan.Zero, default);
        Assert.Equal(StudyState.Joining, view.State);

        foreach (var site in new[] { "s0", "s1", "s2" }) _federation.StartSite(site);
        Assert.Equal(StudyState.Done, (await _federation.EndAsync()).State);
        Assert.Equal(await _federation.LocalAsync(yaml), await _federation.NetworkAsync());
    }

    private static List<(HttpMethod, string, byte[])> Originals(string key)
    {
        byte[] Json<T>(T message) => JsonSerializer.SerializeToUtf8Bytes(message, WireJson.Options);
        return
        [
            (HttpMethod.Post, "/v1/work", Json(new WorkRequest(1, ["a"], 2, 0, ["x"]))),
            (HttpMethod.Post, "/v1/progress", Json(new ProgressReport([new(key, TaskPhase.Working, 3, 1, 2, 100, 0.5)]))),
            (HttpMethod.Post, $"/v1/tasks/{key}/upload", Json(new ManifestMessage(5000, 4096, Convert.ToBase64String(new byte[64])))),
            (HttpMethod.Put, $"/v1/tasks/{key}/upload/{new string('0', 64)}/0", new byte[4096]),
            // Never a whole answer: that one would rightly count.
            (HttpMethod.Post, $"/v1/tasks/{key}/answer", Encoding.UTF8.GetBytes("{\"outcome\":\"done\",\"content\":{\"software\":\"1\",\"refused\":[{}]},\"body\":{\"name\":\"x\",\"digest\":\"00\",\"length\":-1,\"chunkBytes\":0,\"inline\":\"!\"}}")),
            (HttpMethod.Get, $"/v1/tasks/{key}/bodies/{new string('f', 64)}?from=0", []),
        ];
    }

    private static string Mutate(string path, SeededRandom random)
    {
        if (random.NextInt32(4) > 0) return path;
        var characters = path.ToCharArray();
        characters[4 + random.NextInt32(characters.Length - 4)] = "09af-_~x%2F"[random.NextInt32(11)];
        return Uri.IsWellFormedUriString(new string(characters), UriKind.Relative) ? new string(characters) : path;
    }

    private static byte[] Mutate(byte[] body, SeededRandom random)
    {
        if (body.Length == 0) return body;
        var changed = body.ToList();
        for (var change = random.NextInt32(4); change >= 0; change--)
        {
            var at = random.NextInt32(Math.Max(1, changed.Count));
            switch (random.NextInt32(5))
            {
                case 0 when changed.Count > 0: changed[at] = (byte)random.NextInt32(256); break;
                case 1: changed.InsertRange(at, Encoding.UTF8.GetBytes("[[{\"\u0000\":1e999,")); break;
                case 2 when changed.Count > 1: changed.RemoveRange(at, Math.Min(changed.Count - at, 1 + random.NextInt32(20))); break;
                case 3: changed.AddRange(changed.GetRange(0, Math.Min(changed.Count, 200))); break;
                default: changed = [.. changed.Take(at)]; break;
            }
            if (changed.Count == 0) changed.Add((byte)'{');
        }
        return [.. changed];
    }
}
