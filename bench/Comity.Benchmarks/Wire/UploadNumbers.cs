using System.Diagnostics;
using System.Globalization;
using Comity.Benchmarks.Study;
using Comity.Transport.Bodies;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;

namespace Comity.Benchmarks.Wire;

/// <summary>A body from a site's spool into the coordinator's, signed and checked chunk by chunk, against a bare upload of the same bytes.</summary>
internal static class UploadNumbers
{
    private const int Turns = 5;

    public static async Task<IReadOnlyList<Demand>> RunAsync(string folder, long bytes)
    {
        var (bare11, bare20) = (new double[Turns], new double[Turns]);
        // In turns: on a machine that others use too, each meets the same load.
        var ours = await OursAsync(folder, bytes, async turn =>
        {
            bare11[turn] = (await Bare.RunAsync(1, bytes, "put", "1.1", 1))[0][0];
            bare20[turn] = (await Bare.RunAsync(1, bytes, "put", "2.0", 1))[0][0];
        });
        static double Median(IEnumerable<double> values) => values.Order().ElementAt(Turns / 2);
        double Rate(double seconds) => bytes / seconds / 1e6;
        var fastest = Math.Min(Median(bare11), Median(bare20));
        return
        [
            Demand.Shown("bare HttpClient to Kestrel over TLS into a file, HTTP/1.1, MB/s", Rate(Median(bare11))),
            Demand.Shown("the same, HTTP/2, MB/s", Rate(Median(bare20))),
            Demand.Shown("signed chunks into the coordinator's spool, MB/s", Rate(Median(ours))),
            Demand.AtLeast("over the faster of the bare ones", 0.6, fastest / Median(ours)),
        ];
    }

    private static async Task<double[]> OursAsync(string folder, long bytes, Func<int, Task> before)
    {
        await using var federation = await WireFederation.StartAsync(folder);
        federation.Join(["s0", "s1"]);
        await federation.SubmitAsync("upload", EchoSite.Study(2, 1), EchoSite.Plan);
        var (site, other) = (new SiteClient(federation.Connect("s0"), TimeProvider.System), new SiteClient(federation.Connect("s1"), TimeProvider.System));
        var join = await NextAsync(site);
        await TakePartAsync(site, join);
        await TakePartAsync(other, await NextAsync(other));
        // The first weights may be a body of any size: the task stays open while it arrives, again and again.
        var start = await NextAsync(site, join.Key);
        if (start.Kind != TaskKind.Start) throw new InvalidOperationException($"{start.Kind} came.");
        var seconds = new double[Turns];
        for (var turn = 0; turn < Turns; turn++)
        {
            var path = federation.At("body");
            await using (var file = File.Create(path))
            {
                file.SetLength(bytes);
                file.WriteByte((byte)(turn + 1)); // another body each time
            }
            BodyManifest manifest;
            await using (var file = File.OpenRead(path)) manifest = await BodyManifest.DescribeAsync(file, 4 << 20, default);
            var spooled = Path.Combine(federation.At("coordinator"), "studies", "uploads", "s0", start.Study, start.Key);
            if (turn > 0) File.Delete(spooled); // what lies there would be looked through first, as after a crash
            await before(turn);
            var clock = Stopwatch.StartNew();
            await site.UploadAsync(start.Key, manifest, path, _ => { }, null, default);
            seconds[turn] = clock.Elapsed.TotalSeconds;
            if (!File.Exists(spooled)) throw new InvalidOperationException($"The upload does not lie at {spooled}: the next turn would find it there already.");
        }
        return seconds;
    }

    private static async Task<SiteTask> NextAsync(SiteClient site, params string[] held) => (await site.WorkAsync(new WorkRequest(1, held, 4, 20, []), default)).Tasks.Single();

    private static Task<AnswerReply> TakePartAsync(SiteClient site, SiteTask join) =>
        site.AnswerAsync(join.Key, new SiteAnswer(TaskOutcome.Done, WireJson.ToElement(new JoinResult("bench", "X64", 256, ".NET", true, [])), null, null), default);
}
