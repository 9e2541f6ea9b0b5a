using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Comity.Benchmarks.Study;
using Comity.Tensors.Randomness;
using Comity.Transport.Clients;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;

namespace Comity.Benchmarks.Wire;

/// <summary>Mutated calls against a running coordinator: signed by a real site, signed wrongly, by nobody, with a token, and bytes that are no HTTP at all.</summary>
internal static class FuzzNumbers
{
    private const int Hands = 8;

    public static async Task<IReadOnlyList<Demand>> RunAsync(string folder, long messages, ulong seed)
    {
        await using var federation = await WireFederation.StartAsync(folder);
        federation.Join(["s0", "s1"]);
        await federation.SubmitAsync("fuzz", EchoSite.Study(2, 2), EchoSite.Plan);
        var key = (await new SiteClient(federation.Connect("s0"), TimeProvider.System).WorkAsync(new WorkRequest(1, [], 8, 20, []), default)).Tasks.Single().Key;
        var originals = Originals(key);
        var before = await StateAsync(federation);
        long sent = 0;
        var statuses = new long[600];
        var memory = new List<long>();

        async Task HandAsync(int hand)
        {
            var random = Seed.Of(seed).For("fuzz", hand).ToRandom();
            // A site that is who it says, a person with a token that is not there, nobody, and a key of the site's name that nobody approved.
            using var stranger = SiteIdentity.OpenOrMake(federation.At("strangers", hand.ToString(CultureInfo.InvariantCulture)));
            stranger.Pin(PinnedCoordinator.Of(federation.Code));
            var connection = new CoordinatorConnection { Address = federation.Address, Authority = federation.Code.Authority };
            using var wrong = CoordinatorHttp.Connect(connection with { Site = "s0", SigningKey = stranger.Key }, TimeProvider.System);
            using var token = CoordinatorHttp.Connect(connection with { Token = "comity_000000000000_" + new string('0', 64) }, TimeProvider.System);
            using var nobody = CoordinatorHttp.Connect(connection, TimeProvider.System);
            HttpClient[] callers = [federation.Connect("s0"), wrong, token, nobody];
            while (Interlocked.Increment(ref sent) <= messages)
            {
                if (random.NextInt32(200) == 0)
                {
                    await GarbageAsync(federation.Address, random);
                    continue;
                }
                var (method, path, body) = originals[random.NextInt32(originals.Count)];
                var caller = random.NextInt32(4) is var c && c < 2 ? 0 : random.NextInt32(4);
                using var request = new HttpRequestMessage(method, Mutate(path, random)) { Version = HttpVersion.Version20 };
                if (method != HttpMethod.Get) request.Content = new ByteArrayContent(Mutate(body, random));
                if (random.NextInt32(8) == 0) request.Headers.TryAddWithoutValidation("Signature-Input", Encoding.ASCII.GetString(Printable(random)));
                try
                {
                    using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
                    using var response = await callers[caller].SendAsync(request, limit.Token);
                    Interlocked.Increment(ref statuses[(int)response.StatusCode]);
                }
                catch (Exception e) when (e is HttpRequestException or IOException)
                {
                    Interlocked.Increment(ref statuses[0]); // not even HTTP: the stream was ended before anything of ours saw it
                }
            }
        }

        var work = Enumerable.Range(0, Hands).Select(h => Task.Run(() => HandAsync(h))).ToList();
        var all = Task.WhenAll(work);
        while (!all.IsCompleted && !federation.Coordinator.HasExited)
        {
            memory.Add(federation.Coordinator.Resident);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Math.Min(sent, messages)} messages, {memory[^1] / 1e6:0} MB"));
            await Task.WhenAny(all, Task.Delay(TimeSpan.FromSeconds(10)));
        }
        if (!federation.Coordinator.HasExited) await all;
        var after = federation.Coordinator.HasExited ? "-" : await StateAsync(federation);
        Console.Error.WriteLine(string.Join(", ", statuses.Select((count, status) => (count, status)).Where(s => s.count > 0).Select(s => $"{s.status}: {s.count}")));
        // The first third warms up caches and compiled code.
        var (early, late) = (memory[(memory.Count / 3)..(memory.Count * 2 / 3)].DefaultIfEmpty().Max(), memory[(memory.Count * 2 / 3)..].Max());
        return
        [
            Demand.AtLeast("mutated messages", 1_000_000, Math.Min(sent, messages)),
            Demand.AtMost("ends of the coordinator", 0, federation.Coordinator.HasExited ? 1 : 0),
            Demand.AtMost("answers of 5xx but 503", 0, statuses.Skip(500).Sum() - statuses[503]),
            Demand.Shown("answers of 503, which asks to begin an upload again", statuses[503]),
            Demand.Shown("answers of 4xx", statuses.Skip(400).Take(100).Sum()),
            Demand.Shown("answers of 2xx (calls that the mutation left whole)", statuses.Skip(200).Take(100).Sum()),
            Demand.AtMost("changes of the study, its tasks or its members", 0, before == after ? 0 : 1),
            Demand.AtMost("growth of the most memory from the second to the last third, MB", 20, (late - early) / 1e6),
        ];
    }

    // What must not change: the study, its open tasks by site, and who belongs.
    private static async Task<string> StateAsync(WireFederation federation)
    {
        var view = await federation.Author.ViewAsync("fuzz", 0, TimeSpan.Zero, default);
        var studies = await federation.Author.ListAsync(default);
        using var database = Coordinator.Identity.CoordinatorDatabase.Open(federation.At("coordinator"));
        var members = database.Read("SELECT name || fingerprint || ifnull(revoked_at, '') FROM members ORDER BY name", r => r.GetString(0));
        var waiting = database.Read("SELECT count(*) FROM enrolments", r => r.GetInt32(0))[0];
        return $"{studies.Studies.Count} {view.State} {string.Join(";", view.Problems.Select(p => p.Code))} {string.Join(";", view.Sites.Select(s => $"{s.Site} {s.Tasks.Count} {string.Join(',', s.Tasks.Select(t => t.Kind))}"))} {string.Join(";", members)} {waiting}";
    }

    private static List<(HttpMethod, string, byte[])> Originals(string key)
    {
        byte[] Json<T>(T message) => JsonSerializer.SerializeToUtf8Bytes(message, WireJson.Options);
        return
        [
            (HttpMethod.Post, "/v1/work", Json(new WorkRequest(1, [key], 2, 0, ["x"]))),
            (HttpMethod.Post, "/v1/progress", Json(new ProgressReport([new("k", TaskPhase.Working, 3, 1, 2, 100, 0.5)]))),
            (HttpMethod.Post, $"/v1/tasks/{key}/upload", Json(new ManifestMessage(5000, 4096, Convert.ToBase64String(new byte[64])))),
            (HttpMethod.Put, $"/v1/tasks/{key}/upload/{new string('0', 64)}/0", new byte[4096]),
            // Never a whole answer: that one would rightly count.
            (HttpMethod.Post, $"/v1/tasks/{key}/answer", Encoding.UTF8.GetBytes("{\"outcome\":\"done\",\"content\":{\"software\":\"1\",\"refused\":[{}]},\"body\":{\"name\":\"x\",\"digest\":\"00\",\"length\":-1,\"chunkBytes\":0,\"inline\":\"!\"}}")),
            (HttpMethod.Get, $"/v1/tasks/{key}/bodies/{new string('f', 64)}?from=0", []),
            (HttpMethod.Get, $"/v1/tasks/{key}/bodies/{new string('f', 64)}/manifest", []),
            (HttpMethod.Post, "/v1/enrolments", Json(new EnrolmentRequest("s9", CallerRole.Site, Convert.ToBase64String(new byte[200]), "secret"))),
            (HttpMethod.Post, "/v1/studies", Json(new StudySubmission("other", "study.yaml", Convert.ToBase64String(new byte[100]), EchoSite.Plan))),
            (HttpMethod.Post, "/v1/studies/fuzz/cancel", "{}"u8.ToArray()),
            (HttpMethod.Post, "/v1/studies/fuzz/resume", "{}"u8.ToArray()),
            (HttpMethod.Get, "/v1/studies/fuzz?after=0&wait=0", []),
            (HttpMethod.Get, "/v1/studies/fuzz/models/0", []),
            (HttpMethod.Get, "/v1/hello?nonce=" + new string('a', 43), []),
            (HttpMethod.Get, "/v1/me", []),
            (HttpMethod.Get, "/v1/bandwidth?bytes=1000", []),
        ];
    }

    // Bytes over TLS that no HTTP client would send.
    private static async Task GarbageAsync(Uri address, SeededRandom random)
    {
        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(IPAddress.Loopback, address.Port);
            await using var tls = new SslStream(socket.GetStream(), false, (_, _, _, _) => true);
            await tls.AuthenticateAsClientAsync("localhost");
            var bytes = new byte[1 + random.NextInt32(2000)];
            for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)random.NextInt32(256);
            if (random.NextInt32(2) == 0) Encoding.ASCII.GetBytes("POST /v1/work HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n").AsSpan().CopyTo(bytes = [.. new byte[64], .. bytes]);
            await tls.WriteAsync(bytes);
        }
        catch (Exception e) when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            // It hung up, rightly.
        }
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
        var changed = body.ToList();
        for (var change = random.NextInt32(4); change >= 0; change--)
        {
            var at = random.NextInt32(Math.Max(1, changed.Count));
            switch (random.NextInt32(6))
            {
                case 0 when changed.Count > 0: changed[at] = (byte)random.NextInt32(256); break;
                case 1: changed.InsertRange(at, Encoding.UTF8.GetBytes("[[{\"\u0000\":1e999,")); break;
                case 2 when changed.Count > 1: changed.RemoveRange(at, Math.Min(changed.Count - at, 1 + random.NextInt32(20))); break;
                case 3: changed.AddRange(changed.GetRange(0, Math.Min(changed.Count, 200))); break;
                case 4: changed.AddRange(new byte[random.NextInt32(80_000)]); break; // beyond what a control message may be
                default: changed = [.. changed.Take(at)]; break;
            }
            if (changed.Count == 0) changed.Add((byte)'{');
        }
        return [.. changed];
    }

    private static byte[] Printable(SeededRandom random) => [.. Enumerable.Range(0, 1 + random.NextInt32(500)).Select(_ => (byte)(32 + random.NextInt32(95)))];
}
