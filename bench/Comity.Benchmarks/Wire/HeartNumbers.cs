using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Comity.Benchmarks.Rivals;
using Comity.Benchmarks.Study;
using Comity.Transport.Protocol;

namespace Comity.Benchmarks.Wire;

/// <summary>The heart-disease study with its four sites as processes over TLS: what a round costs besides training, and how often it waits for the disk.</summary>
internal static class HeartNumbers
{
    private static readonly string[] Sites = ["cleveland", "hungary", "switzerland", "va"];

    public static async Task<IReadOnlyList<Demand>> RunAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        var data = Environment.GetEnvironmentVariable("COMITY_DATA") ?? throw new InvalidOperationException("COMITY_DATA, the folder of data sets, is not set.");
        var whole = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "examples/heart-disease/study.yaml"));
        var local = whole.Replace("${COMITY_DATA}", data, StringComparison.Ordinal);
        // One federation with the settings that stand there: a search runs within one process only.
        local = local[..local.IndexOf("search:", StringComparison.Ordinal)] + "arms: [federated]\n" + "federations:\n  - { name: fedavg, strategy: { kind: fedavg }, rounds: 400, localEpochs: 2 }\n";
        var columns = local.Split("header: &columns ")[1].Split('\n')[0];
        var network = WithoutSources(local);
        await File.WriteAllTextAsync(Path.Combine(folder, "local.yaml"), local);
        await File.WriteAllTextAsync(Path.Combine(folder, "network.yaml"), network);

        // What training alone costs: the same rounds in one process, without durability of the wire or TLS.
        await using (var run = ChildProcess.Start("comity.dll", folder, ["run", "local.yaml", "--out", "local", "--lang", "en"]))
        {
            while (!run.HasExited) await Task.Delay(20);
            if (!File.Exists(Path.Combine(folder, "local/results.json"))) throw new InvalidOperationException(run.Said);
        }
        var model = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "local/results.json")))!["models"]![0]!;
        var training = 1000 * (double)model["seconds"]! / (int)model["rounds"]!;

        await using var federation = await WireFederation.StartAsync(Path.Combine(folder, "federation"));
        federation.Join(Sites);
        var processes = new List<ChildProcess>();
        foreach (var site in Sites)
        {
            var records = Path.Combine(data, "heart-disease", $"processed.{(site == "hungary" ? "hungarian" : site)}.data");
            var file = Path.Combine(folder, site + ".yaml");
            await File.WriteAllTextAsync(file, $"site: {site}\nstate: {federation.StateOf(site)}\ndata:\n  - source: {{ csv: \"{records}\", header: {columns} }}\n");
            processes.Add(ChildProcess.Start("comity.dll", folder, ["site", "run", "--config", file, "--lang", "en"]));
        }
        try
        {
            foreach (var process in processes) await process.SaysAsync("serves");
            await using var traced = Traced(federation.Coordinator.Id, processes[0].Id, Path.Combine(folder, "fsync"), Environment.GetEnvironmentVariable("COMITY_BENCH_STRACE") is not null);
            double Busy() => federation.Coordinator.ProcessorSeconds + processes.Sum(p => p.ProcessorSeconds);
            var (before, coordinatorBefore) = (Busy(), federation.Coordinator.ProcessorSeconds);
            var id = await federation.SubmitAsync(Path.Combine(folder, "network.yaml"));
            var ended = await federation.EndAsync(id, 120);
            if (ended?.State != StudyState.Done) throw new InvalidOperationException($"{ended?.State}: {string.Join("; ", ended?.Problems.Select(p => p.Found.En) ?? [])}");
            var (busy, coordinatorBusy) = (Busy() - before, federation.Coordinator.ProcessorSeconds - coordinatorBefore);
            await traced.DisposeAsync();
            var at = (await federation.Author.ViewAsync(id, 0, TimeSpan.Zero, default)).Events.Where(e => e.Code == "round-done").Select(e => e.At).ToList();
            var rounds = at.Zip(at.Skip(1), (a, b) => (b - a).TotalMilliseconds).Skip(10).Order().ToList();
            var median = rounds[rounds.Count / 2];
            var same = SmallNetworkStudy.Weights(await ResultsAsync(federation, id)).SequenceEqual(SmallNetworkStudy.Weights(Path.Combine(folder, "local/results.json")));
            var demands = new List<Demand>
            {
                Demand.Shown("rounds measured", rounds.Count),
                Demand.Shown("whole round, median, ms", median),
                Demand.Shown("whole round, 95th percentile, ms", rounds[rounds.Count * 95 / 100]),
                Demand.Shown("processor time of all five processes, the whole study, a round, ms", 1000 * busy / at.Count),
                Demand.Shown("of that the coordinator's, ms", 1000 * coordinatorBusy / at.Count),
                Demand.Shown("the same round in one process (training), ms", training),
                Demand.AtMost("overhead of a round at the median", 25, median - training, " ms"),
                Demand.AtLeast("same bits as in one process (1: yes)", 1, same ? 1 : 0),
            };
            foreach (var party in new[] { "coordinator", "site" })
            {
                if (Fsyncs(Path.Combine(folder, "fsync"), party) is { } syncs) demands.Add(Demand.AtMost($"fsyncs of the {party}, all of the study, a round", 6, syncs / (double)at.Count));
            }
            return demands;
        }
        finally
        {
            foreach (var process in processes) await process.DisposeAsync();
        }
    }

    private static async Task<string> ResultsAsync(WireFederation federation, string id)
    {
        var path = federation.At("results.json");
        await federation.Author.FetchResultsAsync(id, path, default);
        return path;
    }

    // Tracing slows what is traced, so counting is a run of its own.
    private static Tracing Traced(int coordinator, int site, string path, bool count) => new(count ? [Strace(coordinator, path + ".coordinator"), Strace(site, path + ".site")] : []);

    private static Process Strace(int process, string path) => Process.Start("strace", ["-f", "-e", "trace=fsync,fdatasync,msync,sync_file_range", "-o", path, "-p", process.ToString(CultureInfo.InvariantCulture)]);

    private static int? Fsyncs(string path, string party) => File.Exists($"{path}.{party}") ? File.ReadLines($"{path}.{party}").Count(l => l.Contains("sync(", StringComparison.Ordinal)) : null;

    private sealed class Tracing(IReadOnlyList<Process> tracers) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (var tracer in tracers.Where(t => !t.HasExited))
            {
                using var interrupt = Process.Start("kill", ["-INT", tracer.Id.ToString(CultureInfo.InvariantCulture)]);
                await tracer.WaitForExitAsync();
            }
        }
    }

    // The study as it travels: it says nothing of where records lie.
    private static string WithoutSources(string study) => string.Join('\n', study.Split('\n')
        .Where(l => !(l.StartsWith("    source:", StringComparison.Ordinal) || l.StartsWith("      csv:", StringComparison.Ordinal) || l.StartsWith("      header:", StringComparison.Ordinal)))
        .Select(l => l.IndexOf(", source:", StringComparison.Ordinal) is > 0 and var at ? l[..at] + " }" : l));
}
