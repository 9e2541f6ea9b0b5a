using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Comity.Benchmarks.Study;
using Comity.Serving.Feedback;
using Comity.Serving.Releases;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Serving;

/// <summary>The numbers that serving must reach, on loopback, with the load from another process.</summary>
/// <remarks><c>dotnet run -c Release --project bench/Comity.Benchmarks -- serving [requests|rows|swap|rollback|drain|kill|kill-postgres|start]…</c>; needs wrk, kill-postgres an Npgsql connection string in COMITY_POSTGRES.</remarks>
internal static class ServingNumbers
{
    private const int Turns = 5;
    private const int RowConnections = 128;
    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    public static int Run(string[] args)
    {
        var all = new Dictionary<string, Func<string, string, Task<List<Demand>>>> { ["requests"] = RequestsAsync, ["rows"] = RowsAsync, ["swap"] = SwapAsync, ["start"] = StartAsync, ["kill"] = KillAsync, ["rollback"] = (folder, home) => RollbackNumbers.RunAsync(folder, home, i => Record(13, i)), ["kill-postgres"] = KillPostgresAsync, ["drain"] = (folder, home) => DrainNumbers.RunAsync(folder, home, Record(13, 0)) };
        var holds = true;
        foreach (var name in args.Length == 0 ? all.Keys.ToArray() : args)
        {
            var folder = Directory.CreateTempSubdirectory("comity-bench-").FullName;
            try
            {
                using var key = SigningKey.OpenOrCreate(Path.Combine(folder, "home", "keys", "release.pem"));
                TrustedSigners.None.With(new TrustedSigner(key.Fingerprint, "bench", default)).Write(Path.Combine(folder, "home", "trusted-signers.json"));
                ServingReleases.Write(folder, key, "tabular", "1.0.0", 13, 2, 1);
                ServingReleases.Write(folder, key, "tabular", "1.1.0", 13, 2, 2);
                ServingReleases.Write(folder, key, "digits", "1.0.0", 784, 10, 1);
                var demands = all[name](folder, Path.Combine(folder, "home")).GetAwaiter().GetResult();
                Console.WriteLine($"\n## {name}\n\n{Demand.Table(demands)}");
                holds &= demands.All(d => d.Holds);
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        return holds ? 0 : 1;
    }

    private static async Task<List<Demand>> RequestsAsync(string folder, string home)
    {
        using var client = new HttpClient();
        // Answers are not cached: every request is computed.
        using var server = ServingProcess.Comity(home, 18101, Path.Combine(folder, "state"), Path.Combine(folder, "tabular-1.0.0.comity"), Path.Combine(folder, "digits-1.0.0.comity"), "--cache", "0");
        using var constant = ServingProcess.Constant(home, 18102);
        await server.FirstAnswerAsync(client, "/predict/tabular", "{\"x0\":1}");
        await constant.FirstAnswerAsync(client, "/", "{\"x0\":1}");
        var demands = new List<Demand>();
        foreach (var (name, path, bodies) in new[]
        {
            ("tabular MLP 13-128-1, /predict by column names", "/predict/tabular", Bodies(64, i => Record(13, i))),
            ("tabular MLP 13-128-1, protocol", "/v2/models/tabular/infer", Bodies(64, i => Tensor(13, i))),
            ("MLP 784-128-10, protocol", "/v2/models/digits/infer", Bodies(64, i => Tensor(784, i))),
        })
        {
            var script = Script(folder, bodies, "application/json");
            foreach (var address in new[] { server.Address, constant.Address }) Wrk.Run(address + path, script, 64, 3); // warm both
            List<Wrk> own = [], rival = [];
            for (var turn = 0; turn < Turns; turn++)
            {
                own.Add(Wrk.Run(server.Address + path, script, 64, 3));
                rival.Add(Wrk.Run(constant.Address + path, script, 64, 3));
            }
            double Median(IEnumerable<double> values) => values.Order().ElementAt(Turns / 2);
            demands.Add(Demand.AtLeast($"{name}: requests/s over those of a constant endpoint that parses the same JSON (medians of {Turns} turns)", 0.7, Median(own.Zip(rival, (a, b) => a.PerSecond / b.PerSecond))));
            demands.Add(Demand.AtMost("— p99 over the constant endpoint's", 3, Median(own.Zip(rival, (a, b) => a.P99Milliseconds / b.P99Milliseconds))));
            demands.Add(name.StartsWith("tabular", StringComparison.Ordinal) ? Demand.AtLeast("— requests/s", 12_000, Median(own.Select(o => o.PerSecond))) : Demand.Shown("— requests/s", Median(own.Select(o => o.PerSecond))));
            demands.Add(Demand.Shown("— requests/s of the constant endpoint", Median(rival.Select(o => o.PerSecond))));
            demands.Add(Demand.Shown("— p99, ms", Median(own.Select(o => o.P99Milliseconds))));
            demands.Add(Demand.AtMost("— failed requests", 0, own.Sum(o => o.Failed)));
        }
        return demands;
    }

    private static async Task<List<Demand>> RowsAsync(string folder, string home)
    {
        using var client = new HttpClient();
        using var server = ServingProcess.Comity(home, 18101, Path.Combine(folder, "state"), Path.Combine(folder, "tabular-1.0.0.comity"), Path.Combine(folder, "digits-1.0.0.comity"));
        await server.FirstAnswerAsync(client, "/predict/tabular", "{\"x0\":1}");
        var demands = new List<Demand>();
        foreach (var (name, inputs, classes) in new[] { ("tabular", 13, 2), ("digits", 784, 10) })
        {
            var json = Encoding.UTF8.GetBytes($$$"""{"inputs":[{"name":"input","shape":[256,{{{inputs}}}],"datatype":"FP32","parameters":{"binary_data_size":{{{256 * inputs * 4}}}}}],"outputs":[{"name":"probabilities"}],"parameters":{"binary_data_output":true}}""");
            var random = Seed.Of(3).ToRandom();
            var values = Enumerable.Range(0, 256 * inputs).Select(_ => (float)random.NextGaussian()).ToArray();
            var script = Script(folder, [[.. json, .. MemoryMarshal.AsBytes(values.AsSpan())]], "application/octet-stream", $"wrk.headers[\"Inference-Header-Content-Length\"]=\"{json.Length}\"");
            var url = $"{server.Address}/v2/models/{name}/infer";
            Wrk.Run(url, script, RowConnections, 6); // until nothing is compiled any more
            var model = ServingReleases.Model(inputs, classes);
            var (parameters, outputs) = (new float[model.Layout.Length], new float[256 * model.Outputs]);
            model.Initialise(parameters, Seed.Of(1).ToRandom());
            List<double> ratios = [], rates = [], alone = [];
            for (var turn = 0; turn < Turns; turn++)
            {
                var own = Wrk.Run(url, script, RowConnections, 3);
                if (own.Failed > 0) throw new InvalidOperationException(own.Output);
                var (clock, count) = (System.Diagnostics.Stopwatch.StartNew(), 0);
                for (; clock.Elapsed.TotalSeconds < 2; count++) model.Predict(parameters, values, 256, outputs);
                rates.Add(own.PerSecond * 256);
                alone.Add(count * 256 / clock.Elapsed.TotalSeconds);
                ratios.Add(rates[^1] / alone[^1]);
            }
            demands.Add(Demand.AtLeast($"{name}, 256 rows a request in binary: rows/s over the engine's own on one core (median of {Turns} turns)", 0.6, ratios.Order().ElementAt(Turns / 2)));
            demands.Add(Demand.Shown("— rows/s of the engine alone", alone.Order().ElementAt(Turns / 2)));
            demands.Add(Demand.Shown("— rows/s", rates.Order().ElementAt(Turns / 2)));
        }
        return demands;
    }

    private static async Task<List<Demand>> SwapAsync(string folder, string home)
    {
        using var client = new HttpClient();
        using var server = ServingProcess.Comity(home, 18101, Path.Combine(folder, "state"), Path.Combine(folder, "tabular-1.0.0.comity"), "--releases", folder, "--cache", "0");
        await server.FirstAnswerAsync(client, "/predict", Record(13, 0));
        async Task<string> CertaintyAsync(string version)
        {
            using var load = await client.PostAsync(server.Address + "/v2/repository/models/tabular/load", new StringContent($$$"""{"parameters":{"version":"{{{version}}}"}}"""));
            load.EnsureSuccessStatusCode();
            using var answer = await client.PostAsync(server.Address + "/predict", new StringContent(Record(13, 0), Encoding.UTF8, "application/json"));
            var text = await answer.Content.ReadAsStringAsync();
            return text[text.IndexOf("\"version\"", StringComparison.Ordinal)..text.IndexOf(",\"probabilities\"", StringComparison.Ordinal)];
        }
        // What each version answers, with its version: any other pair is a mixture.
        string[] expected = [await CertaintyAsync("1.0.0"), await CertaintyAsync("1.1.0")];
        var script = Script(folder, [Encoding.UTF8.GetBytes(Record(13, 0))], "application/json", $$"""
            mixed = 0; first = 0; second = 0
            response = function(status, headers, body)
              if string.find(body, '{{expected[0]}}', 1, true) then first = first + 1
              elseif string.find(body, '{{expected[1]}}', 1, true) then second = second + 1
              else mixed = mixed + 1 end
            end
            local threads = {}
            function setup(thread) table.insert(threads, thread) end
            function done(summary, latency, requests) for _, t in ipairs(threads) do print("mixed=" .. t:get("mixed") .. " first=" .. t:get("first") .. " second=" .. t:get("second")) end end
            """);
        using var stop = new CancellationTokenSource();
        var swaps = 0;
        var swapping = Task.Run(async () =>
        {
            for (; !stop.IsCancellationRequested; swaps++)
            {
                using var load = await client.PostAsync(server.Address + "/v2/repository/models/tabular/load", new StringContent($$$"""{"parameters":{"version":"1.{{{swaps % 2}}}.0"}}"""));
                load.EnsureSuccessStatusCode();
                await Task.Delay(2);
            }
        });
        long requests = 0, failed = 0, mixed = 0, first = 0, second = 0;
        while (requests < 100_000)
        {
            var run = Wrk.Run(server.Address + "/predict", script, 64, 5);
            var seen = System.Text.RegularExpressions.Regex.Match(run.Output, @"mixed=(\d+) first=(\d+) second=(\d+)");
            (requests, failed, mixed) = (requests + run.Requests, failed + run.Failed, mixed + long.Parse(seen.Groups[1].Value, Culture));
            (first, second) = (first + long.Parse(seen.Groups[2].Value, Culture), second + long.Parse(seen.Groups[3].Value, Culture));
        }
        await stop.CancelAsync();
        await swapping;
        return
        [
            Demand.AtLeast("requests while versions change", 100_000, requests), Demand.AtLeast("changes of the version", 100, swaps), Demand.AtMost("failed", 0, failed), Demand.AtMost("answers of mixed versions", 0, mixed),
            Demand.AtLeast("answers of the version that answered less", 1000, Math.Min(first, second)),
        ];
    }

    private static async Task<List<Demand>> StartAsync(string folder, string home)
    {
        using var client = new HttpClient();
        var seconds = new List<double>();
        for (var i = 0; i < 7; i++)
        {
            using var server = ServingProcess.Comity(home, 18101, Path.Combine(folder, "state"), Path.Combine(folder, "tabular-1.0.0.comity"));
            seconds.Add(await server.FirstAnswerAsync(client, "/predict", Record(13, 0)));
        }
        return [Demand.AtMost("start of serve to the first answer (median of 7)", 1, seconds.Order().ElementAt(3), " s"), Demand.Shown("— fastest, s", seconds.Min()), Demand.Shown("— slowest, s", seconds.Max())];
    }

    private static Task<List<Demand>> KillAsync(string folder, string home) => KillAsync(folder, home, StoreAddress.InFolder(Path.Combine(folder, "state")), []);

    private static Task<List<Demand>> KillPostgresAsync(string folder, string home)
    {
        var connection = Environment.GetEnvironmentVariable("COMITY_POSTGRES") ?? throw new InvalidOperationException("Set COMITY_POSTGRES to an Npgsql connection string.");
        using (var database = new Npgsql.NpgsqlConnection(connection))
        {
            database.Open();
            using var drop = new Npgsql.NpgsqlCommand("DROP SCHEMA IF EXISTS comity_hu CASCADE", database);
            drop.ExecuteNonQuery();
        }
        return KillAsync(folder, home, StoreAddress.InPostgres(connection, "hu"), ["--store", connection]);
    }

    private static async Task<List<Demand>> KillAsync(string folder, string home, StoreAddress store, string[] options)
    {
        const int Kills = 100;
        var state = Path.Combine(folder, "state");
        using var client = new HttpClient();
        var random = Seed.Of(5).ToRandom();
        HashSet<string> acknowledged = [];
        List<string> waiting = [];
        var interrupted = 0;
        for (var kill = 0; kill < Kills; kill++)
        {
            using var server = ServingProcess.Comity(home, 18101, state, [Path.Combine(folder, "tabular-1.0.0.comity"), .. options]);
            await server.FirstAnswerAsync(client, "/predict", Record(13, 0));
            using (var answers = await client.PostAsync(server.Address + "/predict", new StringContent("[" + string.Join(',', Enumerable.Range(0, 400).Select(i => Record(13, i))) + "]", Encoding.UTF8, "application/json")))
                waiting.AddRange(System.Text.Json.Nodes.JsonNode.Parse(await answers.Content.ReadAsStringAsync())!["predictions"]!.AsArray().Select(p => (string)p!["id"]!));
            var queue = new System.Collections.Concurrent.ConcurrentQueue<string>(waiting);
            var done = new System.Collections.Concurrent.ConcurrentBag<string>();
            var senders = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
            {
                while (queue.TryDequeue(out var id))
                {
                    try
                    {
                        using var stored = await client.PostAsync(server.Address + "/feedback", new StringContent($$$"""{"id":"{{{id}}}","label":"class 1"}"""));
                        if (!stored.IsSuccessStatusCode) return;
                        await stored.Content.ReadAsStringAsync();
                        done.Add(id);
                    }
                    catch (Exception e) when (e is HttpRequestException or IOException)
                    {
                        Interlocked.Increment(ref interrupted);
                        return; // killed in the middle: whether it was stored is not known, so it will be sent again
                    }
                }
            })).ToList();
            await Task.Delay(20 + random.NextInt32(180));
            server.Kill();
            await Task.WhenAll(senders);
            foreach (var id in done) acknowledged.Add(id);
            waiting.RemoveAll(acknowledged.Contains);
        }
        // What is stored, row by row: SQLite and PostgreSQL through the same statement.
        var counts = store.CountByAnswer();
        return
        [
            Demand.AtLeast("kill -9 at random moments while feedback flows", Kills, Kills), Demand.AtLeast("feedback acknowledged", 1000, acknowledged.Count), Demand.AtLeast("requests cut off by a kill", 50, interrupted),
            Demand.AtMost("acknowledged and lost", 0, acknowledged.Count(id => !counts.ContainsKey(store.KeyOf(id, state)))), Demand.AtMost("stored twice", 0, counts.Values.Count(n => n > 1)),
        ];
    }

    private static List<byte[]> Bodies(int count, Func<int, string> body) => [.. Enumerable.Range(0, count).Select(i => Encoding.UTF8.GetBytes(body(i)))];

    private static string Record(int inputs, int i)
    {
        var random = Seed.Of(2).For("record", i).ToRandom();
        return "{" + string.Join(',', Enumerable.Range(0, inputs).Select(c => string.Create(Culture, $"\"x{c}\":{random.NextGaussian():0.####}"))) + "}";
    }

    private static string Tensor(int inputs, int i)
    {
        var random = Seed.Of(2).For("record", i).ToRandom();
        return $$"""{"inputs":[{"name":"input","shape":[1,{{inputs}}],"datatype":"FP32","data":[{{string.Join(',', Enumerable.Range(0, inputs).Select(_ => string.Create(Culture, $"{random.NextDouble():0.####}")))}}]}]}""";
    }

    /// <summary>A script that sends the bodies in turn; they are read from files, so that binary ones come through.</summary>
    private static string Script(string folder, IReadOnlyList<byte[]> bodies, string type, string more = "")
    {
        for (var i = 0; i < bodies.Count; i++) File.WriteAllBytes(Path.Combine(folder, string.Create(Culture, $"body-{i}")), bodies[i]);
        var path = Path.Combine(folder, "load.lua");
        File.WriteAllText(path, $$"""
            wrk.method = "POST"
            wrk.headers["Content-Type"] = "{{type}}"
            {{more}}
            local requests, n = {}, 0
            init = function(args)
              for i = 0, {{bodies.Count - 1}} do
                local f = io.open("{{folder}}/body-" .. i, "rb")
                requests[i] = wrk.format(nil, nil, nil, f:read("*a"))
                f:close()
              end
            end
            request = function()
              n = n + 1
              return requests[n % {{bodies.Count}}]
            end
            """);
        return path;
    }
}
