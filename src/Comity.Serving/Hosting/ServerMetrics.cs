using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Comity.Serving.Hosting;

/// <summary>What a server tells a collector: counts, latencies, batches. Never anything of a record.</summary>
internal sealed class ServerMetrics : IDisposable
{
    public const string MeterName = "Comity.Serving";

    private readonly TimeProvider _time;
    private readonly Meter _meter = new(MeterName);
    private readonly IDisposable? _provider;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _rows;
    private readonly Counter<long> _feedback;
    private readonly Counter<long> _alarms;
    private readonly Counter<long> _cached;
    private readonly Histogram<double> _seconds;

    public ServerMetrics(Uri? otlp, string market, TimeProvider time)
    {
        _time = time;
        _requests = _meter.CreateCounter<long>("comity.requests", description: "Requests by model, version and HTTP status.");
        _rows = _meter.CreateCounter<long>("comity.rows", description: "Records answered.");
        _cached = _meter.CreateCounter<long>("comity.cache.hits", description: "Records answered from the cache.");
        _feedback = _meter.CreateCounter<long>("comity.feedback", description: "Feedback entries stored.");
        _alarms = _meter.CreateCounter<long>("comity.drift.alarms", description: "Windows that raised an alarm.");
        _seconds = _meter.CreateHistogram<double>("comity.request.duration", "s", "From the first byte of a request to the last of its answer.");
        if (otlp is not null) _provider = Export(otlp, market);
    }

    // A method of its own: the exporter's libraries are loaded only where metrics are sent, which makes the start of other servers quicker.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MeterProvider Export(Uri otlp, string market) =>
        Sdk.CreateMeterProviderBuilder().AddMeter(MeterName).ConfigureResource(r => r.AddAttributes([new("service.name", "comity-serve"), new("comity.market", market)]))
            .AddOtlpExporter((exporter, reader) =>
            {
                (exporter.Endpoint, exporter.Protocol) = (otlp, OtlpExportProtocol.HttpProtobuf);
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = 5000;
            })
            .Build();

    public void Answered(string model, string version, int status, int rows, int cached, long started)
    {
        if (!_requests.Enabled) return;
        var tags = new System.Diagnostics.TagList { { "model", model }, { "version", version }, { "status", status } };
        _requests.Add(1, tags);
        _rows.Add(rows, tags);
        _cached.Add(cached, tags);
        _seconds.Record(_time.GetElapsedTime(started).TotalSeconds, tags);
    }

    public void Stored(int entries) => _feedback.Add(entries);

    public void Alarm(string model, string version) => _alarms.Add(1, new("model", model), new("version", version));

    public void Dispose()
    {
        _provider?.Dispose(); // sends what has not been sent
        _meter.Dispose();
    }
}
