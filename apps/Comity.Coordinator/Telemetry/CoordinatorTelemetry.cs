using System.Diagnostics.Metrics;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Identity;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Comity.Coordinator.Telemetry;

/// <summary>Numbers and traces by OTLP, where somebody asked for them. They name routes, codes and counts; nobody's key, token, weights or records.</summary>
internal sealed class CoordinatorTelemetry : IDisposable
{
    /// <summary>Name of the coordinator's own meter.</summary>
    public const string MeterName = "Comity.Coordinator";

    private static readonly string[] Meters = [MeterName, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.RateLimiting", "System.Runtime"];

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _refused;
    private readonly List<IDisposable> _exporters = [];

    /// <param name="registry">Counted.</param>
    /// <param name="otlp">Base address of a collector (OTLP over HTTP), such as <c>http://127.0.0.1:4318</c>; null: nothing is sent.</param>
    /// <param name="time">The clock.</param>
    public CoordinatorTelemetry(Registry registry, Uri? otlp, TimeProvider time)
    {
        _refused = _meter.CreateCounter<long>("comity.calls.refused", "{call}", "Calls that were refused, by code.");
        _meter.CreateObservableGauge("comity.members", () => registry.Members.Count(m => m.RevokedAt is null), "{member}", "Sites and people in force.");
        _meter.CreateObservableGauge("comity.enrolments.waiting", () => registry.Enrolments.Count, "{request}", "Requests that wait for a person.");
        _meter.CreateObservableGauge("comity.certificates.days_left",
            () => registry.Members.Where(m => m.RevokedAt is null).Select(m => (m.NotAfter - time.GetUtcNow()).TotalDays).DefaultIfEmpty(CertificateAuthority.Lifetime.TotalDays).Min(), "d", "Days until the first certificate ends.");
        if (otlp is null) return;
        var resource = ResourceBuilder.CreateEmpty().AddService("comity-coordinator", serviceVersion: typeof(CoordinatorTelemetry).Assembly.GetName().Version?.ToString());
        _exporters.Add(Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(Meters).AddOtlpExporter(o => Configure(o, otlp, "v1/metrics")).Build());
        _exporters.Add(Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource("Microsoft.AspNetCore", "Comity.*").AddOtlpExporter(o => Configure(o, otlp, "v1/traces")).Build());
    }

    /// <summary>Counts a refused call.</summary>
    public void Refused(RefusedFeature refused) => _refused.Add(1, new KeyValuePair<string, object?>("code", refused.Code));

    /// <summary>Sends what was not sent yet, and stops.</summary>
    public void Dispose()
    {
        foreach (var exporter in _exporters) exporter.Dispose();
        _meter.Dispose();
    }

    private static void Configure(OtlpExporterOptions options, Uri otlp, string signal)
    {
        options.Protocol = OtlpExportProtocol.HttpProtobuf;
        options.Endpoint = new Uri(new Uri(otlp.AbsoluteUri.TrimEnd('/') + "/"), signal);
        options.TimeoutMilliseconds = 5000;
    }
}
