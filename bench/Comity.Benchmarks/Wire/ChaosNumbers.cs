using System.Diagnostics;
using System.Globalization;
using Comity.Benchmarks.Study;
using Comity.Coordinator.Tests.Studies;
using Comity.Transport.Protocol;

namespace Comity.Benchmarks.Wire;

/// <summary>One of three sites behind a bad network, by a proxy of ours: each study ends with the bits of an undisturbed one, or stops within its patience and names the site.</summary>
internal static class ChaosNumbers
{
    private const int Patience = 20;

    private static readonly (string What, Chaos During, double? ForSeconds)[] Faults =
    [
        ("latency of 200 ms each way", new Chaos { Latency = TimeSpan.FromMilliseconds(200) }, null),
        ("1 % resets", new Chaos { Resets = 0.01 }, null),
        ("1 Mbit/s", new Chaos { BytesPerSecond = 125_000 }, null),
        ("connection lost for 8 s", new Chaos { Down = true }, 8),
        ("half-open for 8 s: calls are swallowed, nothing is closed", new Chaos { SwallowsCalls = true, SilentAfter = 0 }, 8),
        ("one way silent for good: calls arrive, answers do not", new Chaos { SilentAfter = 0 }, null),
        ("half-open for good", new Chaos { SwallowsCalls = true, SilentAfter = 0 }, null),
        ("connection lost for good", new Chaos { Down = true }, null),
    ];

    public static async Task<IReadOnlyList<Demand>> RunAsync(string folder)
    {
        var study = new SmallNetworkStudy(Path.Combine(folder, "data"), rounds: 12, more: $"patienceSeconds: {Patience}");
        var expected = await study.LocalAsync();
        var demands = new List<Demand>();
        for (var fault = 0; fault < Faults.Length; fault++)
        {
            var (what, during, forSeconds) = Faults[fault];
            var (seconds, how, holds) = await OneAsync(study, Path.Combine(folder, $"f{fault}"), during, forSeconds, expected);
            demands.Add(new Demand(string.Create(CultureInfo.InvariantCulture, $"{what}: {how}, after seconds"), "ends, or stops and names", seconds, holds));
            Console.Error.WriteLine($"{demands[^1]}");
        }
        return demands;
    }

    private static async Task<(double Seconds, string How, bool Holds)> OneAsync(SmallNetworkStudy study, string folder, Chaos during, double? forSeconds, SortedDictionary<string, string> expected)
    {
        await using var federation = await WireFederation.StartAsync(folder);
        await using var proxy = new ChaosProxy(federation.Address.Port, seed: 5);
        federation.Join(SmallNetworkStudy.Sites, site => site == "west" ? proxy.Port : null);
        var running = SmallNetworkStudy.Sites.Select(s => study.StartSite(federation, s)).ToList();
        try
        {
            foreach (var site in running) await site.SaysAsync("serves");
            var lasting = during.Latency > TimeSpan.Zero || during.Resets > 0 || during.BytesPerSecond is not null;
            if (lasting) proxy.Chaos = during;
            var clock = Stopwatch.StartNew();
            var id = await federation.SubmitAsync(study.NetworkFile);
            if (!lasting)
            {
                while (!(await federation.Author.ViewAsync(id, 0, TimeSpan.Zero, default)).Events.Any(e => e.Code == "round-done")) await Task.Delay(20);
                proxy.Chaos = during;
                clock.Restart();
                if (forSeconds is { } limited)
                {
                    await Task.Delay(TimeSpan.FromSeconds(limited));
                    proxy.Chaos = new();
                }
            }
            var end = await federation.EndAsync(id, 300);
            if (end?.State == StudyState.Done)
            {
                var path = federation.At("results.json");
                await federation.Author.FetchResultsAsync(id, path, default);
                var same = SmallNetworkStudy.Weights(path).SequenceEqual(expected);
                return (clock.Elapsed.TotalSeconds, same ? "ends with the same bits" : "ends with OTHER bits", same);
            }
            if (end is null) return (clock.Elapsed.TotalSeconds, "HANGS", false);
            var named = end.Problems.Any(p => (p.Where + p.Found.En).Contains("west", StringComparison.Ordinal));
            return (clock.Elapsed.TotalSeconds, $"stops ({string.Join(", ", end.Problems.Select(p => p.Code))}) and {(named ? "names the site" : "names NOBODY")}", named && clock.Elapsed.TotalSeconds < 3 * Patience);
        }
        finally
        {
            foreach (var site in running) await site.DisposeAsync();
        }
    }
}
