using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Comity.Benchmarks.Study;
using Comity.Coordinator.Storage;
using Comity.EndToEnd.Tests;
using Comity.Federation.Audit;
using Comity.Tensors.Randomness;
using Comity.Transport.Clients;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;
using Comity.Transport.Stores;

namespace Comity.Benchmarks.Wire;

/// <summary>Two replicas on one database and one broker behind a plain load balancer: the one that drives is killed, or stopped for 20 s and continued.</summary>
internal static class ReplicaNumbers
{
    private const int FaultsOfAStudy = 10;
    private const int Rounds = 120;
    private static readonly TimeSpan Sleep = TimeSpan.FromSeconds(20);

    /// <summary>Runs studies until the driving replica was so often killed, and so often stopped.</summary>
    /// <param name="folder">Where all of it lies.</param>
    /// <param name="times">How often each.</param>
    /// <param name="seed">Of the moments.</param>
    /// <param name="store">Address of the database.</param>
    /// <param name="queue">Address of the broker.</param>
    public static async Task<IReadOnlyList<Demand>> RunAsync(string folder, int times, ulong seed, string store, string queue)
    {
        var study = new SmallNetworkStudy(Path.Combine(folder, "data"), Rounds);
        var expected = await study.LocalAsync();
        await using var federation = await WireFederation.StartAsync(Path.Combine(folder, "federation"), store, queue);
        federation.Join(SmallNetworkStudy.Sites);
        var sites = SmallNetworkStudy.Sites.Select(s => study.StartSite(federation, s)).ToList();
        using var look = PostgresStore.Open(StoreAddress.Read(store, StoreAddress.Variable, "comity-coordinator", [])!);
        var random = Seed.Of(seed).For("replicas").ToRandom();
        var (kills, stops, studies, ended, same, refused) = (new List<double>(), new List<double>(), 0, 0, 0, 0);
        try
        {
            while (kills.Count < times || stops.Count < times)
            {
                var id = await federation.SubmitAsync(study.NetworkFile);
                studies++;
                for (var fault = 0; fault < FaultsOfAStudy && (kills.Count < times || stops.Count < times); fault++)
                {
                    if (await federation.EndAsync(id, 0.2 + (2.8 * random.NextDouble())) is not null) break;
                    var (epoch, address) = await look.LeaderAsync(default);
                    var driver = federation.ReplicaAt(address!);
                    var clock = Stopwatch.StartNew();
                    if (kills.Count <= stops.Count && kills.Count < times)
                    {
                        await federation.Replicas[driver].KillAsync();
                        kills.Add(await TakenOverAsync(federation, look, epoch, clock));
                        federation.StartReplica(driver);
                        await federation.Replicas[driver].SaysAsync("A site joins", 120);
                    }
                    else
                    {
                        Signal(federation.Replicas[driver], 19);
                        stops.Add(await TakenOverAsync(federation, look, epoch, clock));
                        if (Sleep - clock.Elapsed is { Ticks: > 0 } rest) await Task.Delay(rest);
                        Signal(federation.Replicas[driver], 18);
                        await federation.Replicas[driver].SaysAsync(string.Create(CultureInfo.InvariantCulture, $"epoch {epoch} is over"), 120);
                        refused++;
                    }
                    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kills.Count} kills (last {kills.LastOrDefault():0.0} s), {stops.Count} stops (last {stops.LastOrDefault():0.0} s), {refused} sleepers refused"));
                }
                var end = await federation.EndAsync(id, 300);
                if (end?.State == StudyState.Done)
                {
                    ended++;
                    var path = federation.At($"{id}.json");
                    await federation.Author.FetchResultsAsync(id, path, default);
                    if (SmallNetworkStudy.Weights(path).SequenceEqual(expected)) same++;
                }
                else
                {
                    Console.Error.WriteLine($"{id}: {end?.State.ToString() ?? "no end"} {string.Join("; ", end?.Problems.Select(p => p.Code + " " + p.Found.En) ?? [])}");
                    foreach (var (process, index) in federation.Replicas.Select((p, i) => (p, i))) await File.WriteAllTextAsync(federation.At($"replica-{index}.log"), process.Said);
                    foreach (var (process, index) in sites.Select((p, i) => (p, i))) await File.WriteAllTextAsync(federation.At($"site-{index}.log"), process.Said);
                }
                Console.Error.WriteLine($"{studies} studies, {ended} ended, {same} with the same bits");
                if (end is null) break;
            }
        }
        finally
        {
            foreach (var site in sites) await site.DisposeAsync();
        }
        var (_, last) = await look.LeaderAsync(default);
        var log = AuditVerdict.Of(Path.Combine(federation.ReplicaFolder(federation.ReplicaAt(last!)), "audit.jsonl"));
        var fit = SmallNetworkStudy.Sites.Count(s => AuditReconciliation.Of(AuditVerdict.Of(Path.Combine(federation.StateOf(s), "audit.jsonl")), log).Holds);
        return
        [
            Demand.AtLeast("the driving replica killed", times, kills.Count), Demand.AtMost("longest time until another answered in its place, seconds", 10, kills.DefaultIfEmpty().Max()), Demand.Shown("median", Median(kills)),
            Demand.AtLeast("the driving replica stopped for 20 s and continued", times, stops.Count), Demand.AtMost("longest time until another answered in its place, seconds", 10, stops.DefaultIfEmpty().Max()), Demand.Shown("median", Median(stops)),
            Demand.AtLeast("sleepers that were refused and followed from then on, of " + stops.Count, stops.Count, refused),
            Demand.AtLeast("studies that ended by themselves, of " + studies, studies, ended),
            Demand.AtLeast("studies with the bits of an undisturbed run in one process, of " + studies, studies, same),
            Demand.AtLeast(string.Create(CultureInfo.InvariantCulture, $"sites whose audit log fits that of all who drove ({log.Lines.Count} lines), of {SmallNetworkStudy.Sites.Count}"), SmallNetworkStudy.Sites.Count, fit),
        ];
    }

    // What a caller sees: a call that only who drives answers, through the balancer, on a connection of its own.
    private static async Task<double> TakenOverAsync(WireFederation federation, PostgresStore look, long epoch, Stopwatch clock)
    {
        while (clock.Elapsed < TimeSpan.FromMinutes(3))
        {
            try
            {
                using var http = federation.AuthorHttp();
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
                await new StudyClient(http, TimeProvider.System).ListAsync(limit.Token);
                if ((await look.LeaderAsync(default)).Epoch > epoch) return clock.Elapsed.TotalSeconds;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException or WireException or OperationCanceledException)
            {
                // Nobody drives yet, or the balancer does not know yet.
            }
            await Task.Delay(50);
        }
        return clock.Elapsed.TotalSeconds;
    }

    private static double Median(List<double> values) => values.Count == 0 ? 0 : values.Order().ElementAt(values.Count / 2);

    private static void Signal(ChildProcess process, int signal)
    {
        if (kill(process.Id, signal) != 0) throw new InvalidOperationException($"Signal {signal}: errno {Marshal.GetLastPInvokeError()}.");
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int process, int signal);
}
