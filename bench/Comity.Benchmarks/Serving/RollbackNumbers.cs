using System.Collections.Concurrent;
using System.Text;
using Comity.Benchmarks.Study;
using Comity.Serving.Deployments;
using Comity.Serving.Releases;

namespace Comity.Benchmarks.Serving;

/// <summary>A server under load follows order after order to try a canary whose scores are not those of its training, and gives each up by itself.</summary>
internal static class RollbackNumbers
{
    private const int Clients = 32, Requests = 100_000, Rollbacks = 20, Records = 4000;

    public static async Task<List<Demand>> RunAsync(string folder, string home, Func<int, string> record)
    {
        using var key = SigningKey.OpenOrCreate(Path.Combine(home, "keys", "release.pem"));
        var trusted = TrustedSigners.Read(Path.Combine(home, "trusted-signers.json"));
        var orders = new DeploymentFolder(Path.Combine(folder, "orders"));
        var releases = new[] { "2.0.0", "2.1.0" }.Select((version, v) =>
        {
            // The second carries the scores of the first: what it answers is not what it promised.
            var file = ServingReleases.Write(folder, key, "rolled", version, 13, 2, (ulong)(v + 1), scoresOf: 1);
            var release = Release.Read(file, trusted);
            orders.Add(file, release.Sha256);
            return new OrderedRelease(version, release.Sha256);
        }).ToArray();
        var approval = new MarketApproval("bench", "bench", []);
        void Order(long revision, OrderedRelease? canary) => orders.Write(new DeploymentOrder("rolled", revision, DateTimeOffset.UnixEpoch, [new MarketOrder("hu", releases[0], canary, canary is null ? 0 : 0.25, approval)]), key);
        Order(1, null);

        using var client = new HttpClient();
        using var server = ServingProcess.Comity(home, 18121, Path.Combine(folder, "state"), "--deployments", orders.Root, "--poll", "0.1", "--releases", folder, "--cache", "0");
        var bodies = Enumerable.Range(0, Records).Select(record).ToArray();
        await server.FirstAnswerAsync(client, "/predict", bodies[0]);
        var expected = new Dictionary<string, string[]>();
        // Every version's answer to every record, asked of a second server beforehand: any other pair of version and certainty is a mixture.
        using (var known = ServingProcess.Comity(home, 18122, Path.Combine(folder, "state-known"), Path.Combine(folder, "rolled-2.0.0.comity"), Path.Combine(folder, "rolled-2.1.0.comity"), "--cache", "0"))
        {
            await known.FirstAnswerAsync(client, "/predict", bodies[0]);
            foreach (var release in releases)
            {
                var answers = new List<string>();
                foreach (var several in bodies.Chunk(Clients)) answers.AddRange(await Task.WhenAll(several.Select(b => AskAsync(client, $"{known.Address}/predict/rolled/{release.Version}", b))));
                expected[release.Version] = [.. answers];
            }
        }

        long answered = 0, failed = 0, mixed = 0, tried = 0;
        var failures = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, Clients).Select(n => Task.Run(async () =>
        {
            for (var i = n; !stop.IsCancellationRequested; i += Clients)
            {
                var at = i % Records;
                try
                {
                    var answer = await AskAsync(client, server.Address + "/predict", bodies[at]);
                    Interlocked.Increment(ref answered);
                    if (answer == expected[releases[1].Version][at]) Interlocked.Increment(ref tried);
                    else if (answer != expected[releases[0].Version][at]) Interlocked.Increment(ref mixed);
                }
                catch (HttpRequestException e)
                {
                    Interlocked.Increment(ref failed);
                    failures.AddOrUpdate(e.StatusCode?.ToString() ?? e.HttpRequestError.ToString(), 1, (_, c) => c + 1);
                }
            }
        })).ToList();
        var rollbacks = 0;
        for (long revision = 2; rollbacks < Rollbacks || Interlocked.Read(ref answered) < Requests; revision++, rollbacks++)
        {
            Order(revision, releases[1]);
            while (!orders.Reports().Any(r => r.State == "rolled-back" && r.Revision.GetValueOrDefault("rolled") == revision)) await Task.Delay(20);
        }
        var reason = orders.Reports().Single().Reason;
        await stop.CancelAsync();
        await Task.WhenAll(load);
        foreach (var (how, count) in failures) Console.WriteLine($"{how}: {count}");
        return
        [
            Demand.AtLeast("requests while canaries are tried and given up", Requests, answered + failed), Demand.AtLeast($"roll-backs by the node itself ({reason})", Rollbacks, rollbacks),
            Demand.AtLeast("answers of the canary", 1000, tried), Demand.AtMost("failed", 0, failed), Demand.AtMost("answers of mixed versions", 0, mixed),
        ];
    }

    // From the version to the probabilities: ids and times differ between two answers, these may not.
    private static async Task<string> AskAsync(HttpClient client, string url, string body)
    {
        using var answer = await client.PostAsync(url, new StringContent(body, Encoding.UTF8, "application/json"));
        answer.EnsureSuccessStatusCode();
        var text = await answer.Content.ReadAsStringAsync();
        return text[text.IndexOf("\"version\"", StringComparison.Ordinal)..];
    }
}
