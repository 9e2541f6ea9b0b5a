using System.Net;
using System.Text;
using Google.Protobuf;

namespace Comity.Serving.Tests.Hosting;

/// <summary>A process sends the metrics of all its servers, so those of other tests must not run beside.</summary>
[CollectionDefinition(nameof(ServersOfOneProcess), DisableParallelization = true)]
public sealed class ServersOfOneProcess;

/// <summary>Metrics as a collector receives them: over HTTP, decoded by field numbers of the OpenTelemetry protocol's published schema (metrics.proto 1.x).</summary>
[Collection(nameof(ServersOfOneProcess))]
public sealed class MetricsTests
{
    [Fact]
    public async Task A_collector_receives_counts_by_model_version_and_status_and_nothing_of_a_record()
    {
        using var collector = new HttpListener();
        var port = 20_000 + (Environment.ProcessId % 20_000);
        collector.Prefixes.Add($"http://127.0.0.1:{port}/");
        collector.Start();
        var received = new List<byte[]>();
        var receiving = Task.Run(async () =>
        {
            while (collector.IsListening)
            {
                HttpListenerContext context;
                try
                {
                    context = await collector.GetContextAsync();
                }
                catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                Assert.Equal(("/v1/metrics", "application/x-protobuf"), (context.Request.Url!.AbsolutePath, context.Request.ContentType));
                received.Add(body.ToArray());
                context.Response.Close();
            }
        });
        await using (var running = await RunningServer.StartAsync(o => o with { Otlp = new Uri($"http://127.0.0.1:{port}/v1/metrics") }))
        {
            for (var i = 0; i < 3; i++) await running.AnswerAsync("/predict", """{"age": 63.1234, "ward": "b"}""");
            await running.RefusedAsync("/predict", """{"agee": 63.1234}""");
        }
        collector.Stop();
        await receiving;

        var points = received.SelectMany(Points).ToList();
        Assert.Contains(points, p => p is { Name: "comity.requests", Value: 3 } && p.Tags.Contains("ward", StringComparison.Ordinal) && p.Tags.Contains("1.0.0", StringComparison.Ordinal) && p.Tags.Contains("200", StringComparison.Ordinal));
        Assert.Contains(points, p => p is { Name: "comity.requests", Value: 1 } && p.Tags.Contains("400", StringComparison.Ordinal));
        Assert.Contains(points, p => p is { Name: "comity.rows", Value: 3 });
        Assert.DoesNotContain(received, r => Encoding.Latin1.GetString(r).Contains("63.1234", StringComparison.Ordinal));
    }

    // ExportMetricsServiceRequest 1 → ResourceMetrics 2 → ScopeMetrics 2 → Metric {1 name, 7 sum} → Sum 1 → NumberDataPoint {6 as_int, 7 attributes}.
    private static IEnumerable<(string Name, long Value, string Tags)> Points(byte[] request)
    {
        foreach (var resource in Messages(request, 1))
            foreach (var scope in Messages(resource, 2))
                foreach (var metric in Messages(scope, 2))
                {
                    var name = Encoding.UTF8.GetString(Messages(metric, 1).Single());
                    foreach (var sum in Messages(metric, 7))
                        foreach (var point in Messages(sum, 1))
                            yield return (name, Fixed(point, 6), string.Join('|', Messages(point, 7).Select(t => Tag(t))));
                }
    }

    private static string Tag(byte[] pair)
    {
        var value = Messages(pair, 2).Single();
        return Messages(value, 1).Select(Encoding.UTF8.GetString).FirstOrDefault() ?? Varint(value, 3).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private static List<byte[]> Messages(byte[] message, int field)
    {
        var found = new List<byte[]>();
        var input = new CodedInputStream(message);
        while (input.ReadTag() is not 0 and var tag)
        {
            if (WireFormat.GetTagFieldNumber(tag) == field && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited) found.Add(input.ReadBytes().ToByteArray());
            else input.SkipLastField();
        }
        return found;
    }

    private static long Fixed(byte[] message, int field)
    {
        var input = new CodedInputStream(message);
        while (input.ReadTag() is not 0 and var tag)
        {
            if (WireFormat.GetTagFieldNumber(tag) == field) return input.ReadSFixed64();
            input.SkipLastField();
        }
        return 0;
    }

    private static long Varint(byte[] message, int field)
    {
        var input = new CodedInputStream(message);
        while (input.ReadTag() is not 0 and var tag)
        {
            if (WireFormat.GetTagFieldNumber(tag) == field) return input.ReadInt64();
            input.SkipLastField();
        }
        return 0;
    }
}
