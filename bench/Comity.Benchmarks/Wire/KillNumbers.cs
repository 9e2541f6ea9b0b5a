using System.Diagnostics;
using System.Globalization;
using Comity.Benchmarks.Study;
using Comity.Tensors.Randomness;
using Comity.Transport.Protocol;

namespace Comity.Benchmarks.Wire;

/// <summary>Coordinator and sites die by SIGKILL at random moments, also while they start; nobody does anything but start them again.</summary>
internal static class KillNumbers
{
    private const int KillsOfAStudy = 20;
    private const int Rounds = 60;

    /// <summary>Runs studies until so many processes were killed.</summary>
    /// <param name="folder">Where all of it lies.</param>
    /// <param name="kills">How many.</param>
    /// <param name="seed">Of the moments and the victims.</param>
    /// <param name="store">Address of the coordinator's database; null: its state lies in its folder.</param>
    /// <returns>The demands.</returns>
    public static async Task<IReadOnlyList<Demand>> RunAsync(string folder, int kills, ulong seed, string? store = null)
    {
        var study = new SmallNetworkStudy(Path.Combine(folder, "data"), Rounds);
        var expected = await study.LocalAsync();
        await using var federation = await WireFederation.StartAsync(Path.Combine(folder, "federation"), store);
        federation.Join(SmallNetworkStudy.Sites);
        var running = SmallNetworkStudy.Sites.ToDictionary(s => s, s => study.StartSite(federation, s), StringComparer.Ordinal);
        string[] victims = ["coordinator", .. SmallNetworkStudy.Sites];
        var random = Seed.Of(seed).For("kills").ToRandom();
        var (killed, studies, ended, same, byVictim, longest) = (0, 0, 0, 0, new SortedDictionary<string, int>(StringComparer.Ordinal), 0.0);
        try
        {
            while (killed < kills)
            {
                var id = await federation.SubmitAsync(study.NetworkFile);
                studies++;
                var quiet = Stopwatch.StartNew();
                for (var kill = 0; kill < KillsOfAStudy; kill++)
                {
                    var pause = TimeSpan.FromMilliseconds(50 + (2950 * random.NextDouble()));
                    if (await federation.EndAsync(id, pause.TotalSeconds) is not null) break;
                    var victim = victims[random.NextInt32(victims.Length)];
                    if (victim == "coordinator")
                    {
                        await federation.Coordinator.DisposeAsync();
                        federation.StartCoordinator();
                    }
                    else
                    {
                        await running[victim].DisposeAsync();
                        running[victim] = study.StartSite(federation, victim);
                    }
                    byVictim[victim] = byVictim.GetValueOrDefault(victim) + 1;
                    killed++;
                    quiet.Restart();
                }
                var end = await federation.EndAsync(id, 180);
                longest = Math.Max(longest, quiet.Elapsed.TotalSeconds);
                if (end?.State == StudyState.Done)
                {
                    ended++;
                    var path = federation.At($"{id}.json");
                    await PersistAsync(async () => { await federation.Author.FetchResultsAsync(id, path, default); return 0; });
                    if (SmallNetworkStudy.Weights(path).SequenceEqual(expected)) same++;
                }
                else
                {
                    Console.Error.WriteLine($"{id} after {killed} kills: {end?.State.ToString() ?? "no end"} {string.Join("; ", end?.Problems.Select(p => p.Code + " " + p.Found.En) ?? [])}");
                    foreach (var (name, process) in running) Console.Error.WriteLine($"=== {name} {(process.HasExited ? "EXITED" : "runs")}\n{Tail(process.Said)}");
                    Console.Error.WriteLine($"=== coordinator {(federation.Coordinator.HasExited ? "EXITED" : "runs")}\n{Tail(federation.Coordinator.Said)}");
                }
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{killed} kills, {studies} studies, {ended} ended, {same} with the same bits"));
                if (end is null) break; // a hang: what lies in the folder tells why
            }
        }
        finally
        {
            foreach (var process in running.Values) await process.DisposeAsync();
        }
        return
        [
            Demand.AtLeast($"kills at random moments ({string.Join(", ", byVictim.Select(v => $"{v.Key} {v.Value}"))})", 200, killed),
            Demand.AtLeast("studies that ended by themselves, of " + studies, studies, ended),
            Demand.AtLeast("studies with the bits of an undisturbed run in one process, of " + studies, studies, same),
            Demand.Shown("longest time from the last kill of a study to its end, seconds", longest),
        ];
    }

    private static string Tail(string text) => text.Length > 4000 ? text[^4000..] : text;

    private static async Task<T> PersistAsync<T>(Func<Task<T>> call)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return await call();
            }
            catch (Exception e) when (tries < 600 && e is HttpRequestException or IOException or TimeoutException)
            {
                await Task.Delay(100);
            }
        }
    }
}
