using Comity.Benchmarks.Study;
using Comity.Transport.Protocol;

namespace Comity.Benchmarks.Wire;

/// <summary>Many sites: what it costs to keep idle ones connected, and a round with hundreds.</summary>
internal static class ManyNumbers
{
    private const int Parameters = 100_000;
    private const int Rounds = 5;

    public static async Task<IReadOnlyList<Demand>> RunAsync(string folder, int idle, int inRound)
    {
        await using var federation = await WireFederation.StartAsync(folder);
        var names = Enumerable.Range(0, idle).Select(i => $"s{i}").ToList();
        foreach (var hundred in names.Chunk(100)) federation.Join(hundred);
        using var over = new CancellationTokenSource();
        var agents = names.Select(n => EchoSite.Agent(n, federation.StateOf(n), Parameters, federation.Connect(n)).RunAsync(over.Token)).ToList();
        await Task.Delay(TimeSpan.FromSeconds(60)); // two waits at the coordinator and the looks for work between them
        var (resident, idlePeak) = (federation.Coordinator.Resident, federation.Coordinator.Peak);

        await federation.SubmitAsync("many", EchoSite.Study(inRound, Rounds), EchoSite.Plan);
        var ended = await federation.EndAsync("many", 300);
        await over.CancelAsync();
        await Task.WhenAll(agents).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (ended?.State != StudyState.Done) throw new InvalidOperationException($"{ended?.State}: {string.Join("; ", ended?.Problems.Select(p => p.Found.En) ?? [])}\n{federation.Coordinator.Said}");
        var at = (await federation.Author.ViewAsync("many", 0, TimeSpan.Zero, default)).Events.Where(e => e.Code == "round-done").Select(e => e.At).ToList();
        var rounds = at.Zip(at.Skip(1), (a, b) => (b - a).TotalSeconds).Order().ToList();
        return
        [
            Demand.AtMost($"coordinator's memory with {idle} idle sites, MB", 300, resident / 1e6),
            Demand.Shown("its peak while they connected, MB", idlePeak / 1e6),
            Demand.AtMost($"a round with {inRound} of them, {Parameters / 1000} k parameters, seconds (median of {rounds.Count})", 5, rounds[rounds.Count / 2]),
            Demand.Shown("coordinator's peak memory after it, MB", federation.Coordinator.Peak / 1e6),
        ];
    }
}
