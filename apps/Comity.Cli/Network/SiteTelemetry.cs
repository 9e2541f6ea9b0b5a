using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Comity.Transport.Protocol;
using Comity.Transport.Sites;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Comity.Cli.Network;

/// <summary>What a site tells its owner's machines, where the owner asks for it: lines of JSON, metrics and traces. They name studies, tasks and codes; never a record, weight or key.</summary>
internal sealed class SiteTelemetry : IProgress<SiteAgentEvent>, IDisposable
{
    private const string MeterName = "Comity.Site";

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly FileStream? _log;
    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _tasks;
    private readonly Counter<long> _lost;
    private readonly IReadOnlyList<IDisposable> _exporters;

    /// <param name="site">The site's name.</param>
    /// <param name="log">File that the lines are added to; null: none.</param>
    /// <param name="otlp">Base address of a collector (OTLP over HTTP); null: nothing is sent.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="IOException">The file can't be written.</exception>
    public SiteTelemetry(string site, string? log, Uri? otlp, TimeProvider time)
    {
        _time = time;
        _tasks = _meter.CreateCounter<long>("comity.site.tasks", "{task}", "Tasks that were answered, by kind and outcome.");
        _lost = _meter.CreateCounter<long>("comity.site.disconnected", "{time}", "How often the coordinator did not answer.");
        if (log is not null)
        {
            var options = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            _log = new FileStream(log, options);
        }
        _exporters = otlp is null ? [] : Export(site, otlp);
    }

    public void Report(SiteAgentEvent value)
    {
        switch (value)
        {
            case SiteAgentEvent.Joined joined:
                Line(joined.About.Refused.Count == 0 ? "joined" : "refused", null, ("Study", joined.Study), ("Reasons", string.Join(' ', joined.About.Refused.Select(p => p.Code))));
                break;
            case SiteAgentEvent.Started started:
                Line("task-started", started.Task);
                break;
            case SiteAgentEvent.Answered answered:
                _tasks.Add(1, new("kind", answered.Task.Kind.ToString()), new("outcome", answered.Outcome.ToString()));
                Line("task-answered", answered.Task, ("Outcome", answered.Outcome.ToString()), ("Taken", answered.Taken ? "yes" : "no"), ("Reason", answered.Reason));
                break;
            case SiteAgentEvent.Hindered hindered:
                Line("task-hindered", hindered.Task); // the reason stands on the screen: it may quote what the records' source said
                break;
            case SiteAgentEvent.DiskShareFull full:
                Line("disk-share-full", full.Task);
                break;
            case SiteAgentEvent.Disconnected lost:
                _lost.Add(1);
                Line("disconnected", null, ("Reason", lost.Reason));
                break;
            case SiteAgentEvent.Connected:
                Line("connected", null);
                break;
        }
    }

    /// <summary>Sends what was not sent yet, and stops.</summary>
    public void Dispose()
    {
        foreach (var exporter in _exporters) exporter.Dispose();
        _meter.Dispose();
        _log?.Dispose();
    }

    private void Line(string name, SiteTask? task, params ReadOnlySpan<(string Name, string? Value)> more)
    {
        if (_log is null) return;
        var line = new Dictionary<string, string?> { ["Timestamp"] = _time.GetUtcNow().ToString("O", System.Globalization.CultureInfo.InvariantCulture), ["Event"] = name };
        if (task is not null) (line["Study"], line["Task"], line["Key"], line["TraceId"]) = (task.Study, task.Kind.ToString(), task.Key, TaskTrace.Of(task).TraceId.ToHexString());
        foreach (var (key, value) in more) line[key] = value;
        var bytes = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(line) + "\n");
        lock (_gate)
        {
            try
            {
                _log.Write(bytes);
                _log.Flush();
            }
            catch (IOException)
            {
                // A log without room stops nothing; the screen says what the disk lacks.
            }
        }
    }

    // A method of its own: the exporter's libraries are loaded only where something is sent.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static IDisposable[] Export(string site, Uri otlp)
    {
        var resource = ResourceBuilder.CreateEmpty().AddService("comity-site", serviceVersion: ToolVersion.Text).AddAttributes([new("comity.site", site)]);
        void Configure(OtlpExporterOptions options, string signal) =>
            (options.Protocol, options.Endpoint, options.TimeoutMilliseconds) = (OtlpExportProtocol.HttpProtobuf, new Uri(new Uri(otlp.AbsoluteUri.TrimEnd('/') + "/"), signal), 5000);
        return
        [
            Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(MeterName, "System.Net.Http", "System.Runtime").AddOtlpExporter(o => Configure(o, "v1/metrics")).Build(),
            Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(TaskTrace.SourceName, "System.Net.Http").AddOtlpExporter(o => Configure(o, "v1/traces")).Build(),
        ];
    }
}
