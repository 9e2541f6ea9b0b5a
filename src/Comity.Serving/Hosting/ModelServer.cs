using Comity.Serving.Drift;
using Comity.Serving.Feedback;
using Comity.Serving.Inference;
using Comity.Serving.Protocol;
using Comity.Serving.Releases;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Comity.Serving.Hosting;

/// <summary>A running server: verified models behind the Open Inference Protocol, <c>/predict</c>, feedback and a page for people.</summary>
/// <remarks>
/// A replica keeps nothing that another needs: what it stores lies in the market's folder. It stops in this order: it says that it is not ready, answers on for
/// a while with <c>Connection: close</c>, finishes what it has begun, writes its last windows.
/// </remarks>
public sealed class ModelServer : IAsyncDisposable
{
    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(30);

    private readonly ServerOptions _options;
    private readonly TimeProvider _time;
    private readonly MarketStore _store;
    private readonly ServerMetrics _metrics;
    private readonly ModelRegistry _registry = new();
    private readonly RequestHandler _handler;
    private readonly KestrelHost _host;
    private readonly ITimer? _retention;
    private bool _stopped;

    private ModelServer(ServerOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        _store = MarketStore.Open(options.StoreAddress, time);
        _metrics = new ServerMetrics(options.Otlp, options.Market, time);
        _handler = new RequestHandler(options, _registry, _store, _metrics, options.StoreAddress.OpenAnswerKey(options.State), (name, version, share) => Load(name, version, share), time);
        _host = new KestrelHost(kestrel => Configure(kestrel, options), _handler.HandleAsync);
        if (options.Retention is { } keep)
            _retention = time.CreateTimer(_ => _ = _store.RetainAsync(time.GetUtcNow() - keep), null, TimeSpan.Zero, TimeSpan.FromHours(1));
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Starts a server that has no model yet: alive, and not ready.</summary>
    /// <exception cref="IOException">The address is taken.</exception>
    /// <exception cref="System.Data.Common.DbException">The market's store can't be used.</exception>
    public static async Task<ModelServer> StartAsync(ServerOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        var server = new ModelServer(options, time);
        try
        {
            await server._host.StartAsync(cancellationToken);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
        server.Address = server._host.Address;
        return server;
    }

    /// <summary>Puts a release in service. Warms it up first, so that the first answer is as quick as the others.</summary>
    /// <param name="release">A verified release.</param>
    /// <param name="share">1: it answers from now on; less: it is tried on that share of requests; 0: it answers when asked for by version.</param>
    /// <exception cref="ReleaseRefusedException">Another release of this name and version is in service, or its parts don't fit.</exception>
    public void Put(Release release, double share = 1)
    {
        ArgumentNullException.ThrowIfNull(release);
        if (!IsInService(release.Manifest, release.Sha256, share)) Put(ServedModel.Load(release), share);
    }

    /// <summary>Puts a model in service that was loaded before the server ran.</summary>
    /// <param name="model">A verified release, ready to answer.</param>
    /// <param name="share">1: it answers from now on; less: it is tried on that share of requests; 0: it answers when asked for by version.</param>
    /// <exception cref="ReleaseRefusedException">Another release of this name and version is in service.</exception>
    public void Put(ServedModel model, double share = 1)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (IsInService(model.Manifest, model.Sha256, share)) return;
        _registry.Put(new ModelVersion(model, _options.Limits, new DriftMonitor(model, _options.Market, _options.WindowRows, _time, Watch), _time), share);
    }

    private bool IsInService(ReleaseManifest manifest, string sha256, double share)
    {
        if (_registry.Find(manifest.Name, manifest.Version) is not { } before) return false;
        if (before.Model.Sha256 != sha256) throw new ReleaseRefusedException(Messages.Problem("version-other", Declarations.Place.InFile(manifest.FileName), manifest.Id));
        _registry.Put(before, share);
        return true;
    }

    /// <summary>Makes a version that is in service the one that answers, and ends any trial of another.</summary>
    public bool Activate(string name, string version) => _registry.Activate(name, version);

    /// <summary>Takes a version out of service, unless it is the one that answers.</summary>
    public bool Remove(string name, string version)
    {
        if (_registry.Find(name, version) is { } found) found.Drift?.Flush();
        return _registry.Remove(name, version);
    }

    /// <summary>What is in service.</summary>
    public IReadOnlyList<ServedVersion> Versions =>
    [
        .. _registry.Routes.Values.SelectMany(r => r.All.Values.Select(v => new ServedVersion(
            v.Name, v.Version, v.Model.Sha256, ReferenceEquals(v, r.Stable) ? 1 - r.Share : ReferenceEquals(v, r.Canary) ? r.Share : 0, ReferenceEquals(v, r.Canary),
            v.Health.Answers, v.Health.Failures, v.Health.LatencyMilliseconds(0.5), v.Health.LatencyMilliseconds(0.99)))),
    ];

    /// <summary>Stops after everything that was begun is answered.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_stopped) return;
        _stopped = true;
        _handler.Draining = true;
        await Task.Delay(_options.Limits.Drain, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var longest = new CancellationTokenSource(LongestStop, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(longest.Token, cancellationToken);
        await _host.StopAsync(either.Token);
        foreach (var version in _registry.Routes.Values.SelectMany(r => r.All.Values)) version.Drift?.Flush();
        await _store.FlushAsync(CancellationToken.None);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_retention is not null) await _retention.DisposeAsync();
        await _host.DisposeAsync();
        await _store.DisposeAsync();
        _handler.Dispose();
        _metrics.Dispose();
    }

    /// <summary>Tells what a drift window of a version found; <c>true</c>: an alarm.</summary>
    public event Action<DriftWindow, IReadOnlyList<DriftFinding>>? DriftJudged;

    private void Watch(DriftWindow window)
    {
        _store.Add(window);
        if (_registry.Find(window.Model, window.Version)?.Drift is not { } monitor) return;
        var findings = DriftJudge.Judge(monitor.Reference, window);
        if (findings.Any(f => f.Alarm)) _metrics.Alarm(window.Model, window.Version);
        DriftJudged?.Invoke(window, findings);
    }

    private void Load(string name, string version, double share)
    {
        // Both names have the form that a release's may have, so no path leads out of the folder.
        if (_options.Releases is not { } folder || !ReleaseManifest.IsName(name) || !ReleaseManifest.IsVersion(version)) throw RequestRefusedException.Of(404, "version-unknown", "version", name);
        if (_registry.Find(name, version) is not null)
        {
            if (share >= 1) _registry.Activate(name, version);
            else _registry.Put(_registry.Find(name, version)!, share);
            return;
        }
        try
        {
            Put(Release.Read(Path.Combine(folder, $"{name}-{version}.comity"), _options.Trusted), share);
        }
        catch (ReleaseRefusedException e)
        {
            throw new RequestRefusedException(422, e.Problem);
        }
        catch (IOException)
        {
            throw RequestRefusedException.Of(404, "version-unknown", "version", name);
        }
    }

    private static void Configure(KestrelServerOptions kestrel, ServerOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        kestrel.Limits.MaxConcurrentConnections = options.Limits.Connections;
        kestrel.Limits.MaxRequestBodySize = options.Limits.BodyBytes;
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(240, TimeSpan.FromSeconds(5));
        kestrel.Listen(options.Address, listen =>
        {
            listen.Protocols = options.Certificate is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2;
            if (options.Certificate is { } certificate) listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = certificate });
        });
    }
}

/// <summary>A version in service and what it did so far.</summary>
/// <param name="Name">Name of the model.</param>
/// <param name="Version">Version.</param>
/// <param name="Sha256">SHA-256 (hex) of the release's file.</param>
/// <param name="Share">Share of the requests that it answers.</param>
/// <param name="Canary">Whether it is being tried.</param>
/// <param name="Answers">Answers so far.</param>
/// <param name="Failures">Answers that failed through no fault of the request.</param>
/// <param name="MedianMilliseconds">Median latency.</param>
/// <param name="P99Milliseconds">Latency that 99 of 100 answers stayed below.</param>
public sealed record ServedVersion(string Name, string Version, string Sha256, double Share, bool Canary, long Answers, long Failures, double MedianMilliseconds, double P99Milliseconds);
