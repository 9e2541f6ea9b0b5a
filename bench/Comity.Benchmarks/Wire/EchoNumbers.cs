using System.Globalization;
using Comity.Benchmarks.Study;
using Comity.Transport.Protocol;

namespace Comity.Benchmarks.Wire;

/// <summary>Rounds of a large model that sites give back as it came: time against a bare echo of the same bytes, and the coordinator's memory.</summary>
internal static class EchoNumbers
{
    /// <summary>The first two write new files, the others write over them, so that the median of the five intervals is a round of the latter kind.</summary>
    private const int Rounds = 6;

    public static async Task<IReadOnlyList<Demand>> RunAsync(string folder, int sites, int parameters)
    {
        var model = 4L * parameters;
        var bare = await Bare.RunAsync(sites, model, "echo", "1.1", 3);
        var bareRound = Enumerable.Range(0, 3).Select(turn => bare.Max(c => c[turn])).Order().ElementAt(1);

        await using var federation = await WireFederation.StartAsync(folder);
        var names = Enumerable.Range(0, sites).Select(i => $"s{i}").ToList();
        federation.Join(names);
        var running = names.Select(n => ChildProcess.Start("Comity.Benchmarks.dll", folder, ["wire", "site", n, federation.StateOf(n), parameters.ToString(CultureInfo.InvariantCulture)], runtimeOf: "comity")).ToList();
        try
        {
            await federation.SubmitAsync("echo", EchoSite.Study(sites, Rounds), EchoSite.Plan);
            var ended = await federation.EndAsync("echo", 3600);
            if (ended?.State != StudyState.Done)
                throw new InvalidOperationException($"{ended?.State}: {string.Join("; ", ended?.Problems.Select(p => p.Found.En) ?? [])}\n{federation.Coordinator.Said}\n{running[0].Said}");
            var events = (await federation.Author.ViewAsync("echo", 0, TimeSpan.Zero, default)).Events;
            var at = events.Where(e => e.Code is "round-done").Select(e => e.At).ToList();
            var rounds = at.Zip(at.Skip(1), (a, b) => (b - a).TotalSeconds).Order().ToList();
            var (median, peak) = (rounds[rounds.Count / 2], federation.Coordinator.Peak);
            var what = string.Create(CultureInfo.InvariantCulture, $"{sites} sites × {parameters / 1e6:0.#} M parameters");
            return
            [
                Demand.Shown($"{what}: bare echo of the same bytes by {sites} clients at once, seconds", bareRound),
                sites == 4 && parameters == 100_000_000 ? Demand.AtMost($"{what}: a round, seconds (median of {rounds.Count})", 13, median) : Demand.Shown($"{what}: a round, seconds (median of {rounds.Count})", median),
                Demand.AtMost($"{what}: a round over the bare echo", 2.5, median / bareRound),
                Demand.AtMost($"{what}: coordinator's peak memory beyond one model, MB", 200, (peak - model) / 1e6),
                Demand.Shown($"{what}: a site's peak memory, models", running.Max(r => r.Peak) / (double)model),
            ];
        }
        finally
        {
            foreach (var process in running) await process.DisposeAsync();
        }
    }
}
