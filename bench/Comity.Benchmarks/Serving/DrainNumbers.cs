using System.Text;
using Comity.Benchmarks.Study;

namespace Comity.Benchmarks.Serving;

/// <summary>Two replicas that are replaced in turn under load, behind what a balancer does: it asks both whether they are ready, and sends to one that is.</summary>
internal static class DrainNumbers
{
    private const int Clients = 32, Requests = 100_000, Replacements = 8;

    public static async Task<List<Demand>> RunAsync(string folder, string home, string body)
    {
        ServingProcess Start(int port) => ServingProcess.Comity(home, port, Path.Combine(folder, $"state-{port}"), Path.Combine(folder, "tabular-1.0.0.comity"), "--cache", "0", "--drain", "1");
        using var client = new HttpClient();
        var (serving, other) = (Start(18111), Start(18112));
        await serving.FirstAnswerAsync(client, "/predict", body);
        await other.FirstAnswerAsync(client, "/predict", body);
        var ready = new[] { serving.Address, other.Address };
        long answered = 0, failed = 0;
        var replaced = 0;
        var failures = new System.Collections.Concurrent.ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, Clients).Select(n => Task.Run(async () =>
        {
            for (var i = n; !stop.IsCancellationRequested; i++)
            {
                var to = Volatile.Read(ref ready[i % 2]);
                try
                {
                    using var answer = await client.PostAsync(to + "/predict", new StringContent(body, Encoding.UTF8, "application/json"));
                    var text = await answer.Content.ReadAsStringAsync();
                    if (answer.IsSuccessStatusCode && text.EndsWith("\"unseen\":[]}", StringComparison.Ordinal)) Interlocked.Increment(ref answered);
                    else Fail($"{(int)answer.StatusCode}");
                }
                catch (HttpRequestException e)
                {
                    Fail(e.HttpRequestError.ToString());
                }
            }

            void Fail(string how)
            {
                Interlocked.Increment(ref failed);
                failures.AddOrUpdate(how, 1, (_, c) => c + 1);
            }
        })).ToList();
        for (; replaced < Replacements || Interlocked.Read(ref answered) < Requests; replaced++)
        {
            var leaving = replaced % 2 == 0 ? serving : other;
            var staying = replaced % 2 == 0 ? other : serving;
            leaving.Terminate();
            // The balancer's view: it notices by the probe, as late as its interval, and only then stops sending there.
            while (await ReadyAsync(client, leaving.Address)) await Task.Delay(100);
            (ready[0], ready[1]) = (staying.Address, staying.Address);
            leaving.WaitForEnd();
            leaving.Dispose();
            var back = Start(leaving.Port);
            await back.FirstAnswerAsync(client, "/v2/models/tabular/infer", """{"inputs":[{"name":"x0","shape":[1],"datatype":"FP64","data":[1]}]}""");
            if (replaced % 2 == 0) serving = back;
            else other = back;
            (ready[0], ready[1]) = (serving.Address, other.Address);
        }
        await stop.CancelAsync();
        await Task.WhenAll(load);
        serving.Dispose();
        other.Dispose();
        foreach (var (how, count) in failures) Console.WriteLine($"{how}: {count}");
        return [Demand.AtLeast("requests while replicas leave and come", Requests, answered + failed), Demand.AtLeast("replicas drained and replaced", Replacements, replaced), Demand.AtMost("failed", 0, failed)];
    }

    private static async Task<bool> ReadyAsync(HttpClient client, string address)
    {
        try
        {
            using var answer = await client.GetAsync(address + "/v2/health/ready");
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
