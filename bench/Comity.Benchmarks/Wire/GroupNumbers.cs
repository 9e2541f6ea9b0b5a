using System.Globalization;
using System.Text.Json.Nodes;
using Comity.Benchmarks.Study;

namespace Comity.Benchmarks.Wire;

/// <summary>One federation of many simulated sites: whole in one process, whole at one worker, and its rounds divided among one, two and three workers of one thread each.</summary>
internal static class GroupNumbers
{
    private const int Rounds = 6;

    /// <summary>Runs the study five times; seconds are those of its rounds, which begin when everybody is there.</summary>
    /// <param name="folder">Where all of it lies.</param>
    /// <param name="sites">Simulated sites.</param>
    /// <param name="store">Connection string of the database, with a schema.</param>
    /// <param name="queue">Address of the broker.</param>
    public static async Task<IReadOnlyList<Demand>> RunAsync(string folder, int sites, string store, string queue)
    {
        Directory.CreateDirectory(folder);
        SyntheticStudy.Write(folder, sites, rows: 120, "[128, 128]", Rounds);
        var file = Path.Combine(folder, "study.yaml");
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("localEpochs: 1", "localEpochs: 100", StringComparison.Ordinal));
        Dictionary<string, string> environment = new() { ["COMITY_STORE"] = store, ["COMITY_QUEUE"] = queue };

        async Task<(double Seconds, string Sha256, string Said)> RunAsync(string name, int workers, params string[] options)
        {
            var there = new List<ChildProcess>();
            try
            {
                for (var i = 0; i < workers; i++)
                {
                    there.Add(ChildProcess.Start("comity.dll", folder, ["worker", "--queue", "--jobs", "1", "--threads", "1", "--lang", "en"], environment));
                    await there[^1].SaysAsync("Ctrl-C stops it");
                }
                await using var run = ChildProcess.Start("comity.dll", folder, ["run", ".", "--out", name, "--jobs", "1", "--threads", "1", "--lang", "en", .. options], environment);
                while (!run.HasExited) await Task.Delay(50);
                var results = Path.Combine(folder, name, "results.json");
                if (!File.Exists(results)) throw new InvalidOperationException(run.Said + string.Join('\n', there.Select(t => t.Said)));
                var model = JsonNode.Parse(await File.ReadAllTextAsync(results))!["models"]!.AsArray().Single()!;
                var seconds = model["seconds"]!.GetValue<double>();
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {seconds:0.00} s; groups handed over: {string.Join(", ", there.Select(t => t.Said.Split("Handed over: groups/").Length - 1))}"));
                return (seconds, model["weightsSha256"]!.GetValue<string>(), run.Said);
            }
            finally
            {
                foreach (var worker in there) await worker.DisposeAsync();
                // Until nobody counts the dead any more.
                if (there.Count > 0) await Task.Delay(TimeSpan.FromSeconds(21));
            }
        }

        var alone = await RunAsync("alone", 0);
        var whole = await RunAsync("whole", 1, "--queue", "--divide", "never");
        var one = await RunAsync("one", 1, "--queue", "--divide", "always");
        var two = await RunAsync("two", 2, "--queue");
        var three = await RunAsync("three", 3, "--queue", "--divide", "always");
        var sixth = 1.0 / Rounds;
        return
        [
            Demand.AtLeast("runs with the bits of one process, of 4", 4, new[] { whole, one, two, three }.Count(r => r.Sha256 == alone.Sha256)),
            Demand.AtLeast("with two workers: 1, as `auto` divides rounds so long", 1, two.Said.Contains("its rounds are divided", StringComparison.Ordinal) ? 1 : 0),
            Demand.Shown("one process, one thread, seconds a round", alone.Seconds * sixth),
            Demand.Shown("whole at one worker, seconds a round", whole.Seconds * sixth),
            Demand.Shown("divided, one worker, seconds a round", one.Seconds * sixth),
            Demand.Shown("divided, two workers, seconds a round", two.Seconds * sixth),
            Demand.Shown("divided, three workers, seconds a round", three.Seconds * sixth),
            Demand.Shown("divided with one worker over whole at one worker: what dividing costs", one.Seconds / whole.Seconds),
            Demand.Shown("whole at one worker over two workers: what it saves", whole.Seconds / two.Seconds),
        ];
    }
}
