using System.Text.Json;
using Comity.Serving.Drift;
using Comity.Serving.Hosting;
using Comity.Serving.Releases;

namespace Comity.Serving.Deployments;

/// <summary>When a canary is given up.</summary>
/// <param name="Answers">Answers of the canary before it is judged.</param>
/// <param name="FailureShare">Share of failed answers above that of the stable version.</param>
/// <param name="LatencyFactor">p99 latency as a multiple of the stable version's.</param>
/// <param name="LatencyMilliseconds">p99 latency below which none is slow.</param>
public sealed record CanaryLimits(long Answers = 200, double FailureShare = 0.01, double LatencyFactor = 3, double LatencyMilliseconds = 50);

/// <summary>Lets a server follow the orders of its market: it looks for them, verifies, fetches, tries, gives up and reports by itself.</summary>
/// <remarks>A canary is given up for failures, for latency, or when its scores drift while the stable version's do not. An order once given up is not tried again, also not after a restart.</remarks>
public sealed class DeploymentNode
{
    private readonly ModelServer _server;
    private readonly IDeploymentSource _source;
    private readonly TrustedSigners _trusted;
    private readonly string _market;
    private readonly string _node;
    private readonly string _memory;
    private readonly CanaryLimits _limits;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, MarketOrder> _orders = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Name, string Version), bool> _drifted = [];
    private Memory _kept;
    private (string State, string? Reason) _last = ("serving", null);

    /// <param name="server">The server that follows.</param>
    /// <param name="source">Where orders are.</param>
    /// <param name="trusted">Who may order and sign.</param>
    /// <param name="market">The server's market.</param>
    /// <param name="node">Name of this node.</param>
    /// <param name="state">Folder in which it remembers what it followed and gave up.</param>
    /// <param name="limits">When a canary is given up.</param>
    /// <param name="time">The clock.</param>
    public DeploymentNode(ModelServer server, IDeploymentSource source, TrustedSigners trusted, string market, string node, string state, CanaryLimits limits, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(server);
        (_server, _source, _trusted, _market, _node, _limits, _time) = (server, source, trusted, market, node, limits, time);
        _memory = Path.Combine(state, $"node-{node}.json");
        _kept = File.Exists(_memory) ? JsonSerializer.Deserialize<Memory>(File.ReadAllBytes(_memory)) ?? new Memory([], []) : new Memory([], []);
        server.DriftJudged += (window, findings) =>
        {
            lock (_drifted) _drifted[(window.Model, window.Version)] = findings.Any(f => f.Alarm && f.Column == DriftMonitor.ScoreColumn);
        };
    }

    /// <summary>Looks for orders again and again.</summary>
    // On a scheduler of its own: loading a release after it was fetched must not go on on the thread that hears of the server's requests.
    public Task RunAsync(TimeSpan every, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(() => LookAsync(every, cancellationToken), CancellationToken.None, TaskCreationOptions.None, new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler).Unwrap();

    private async Task LookAsync(TimeSpan every, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await StepAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            await Task.Delay(every, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    /// <summary>Looks once: follows what is new, judges what is tried, reports.</summary>
    public async Task StepAsync(CancellationToken cancellationToken)
    {
        foreach (var name in await _source.NamesAsync(cancellationToken))
        {
            try
            {
                if (await _source.OrderAsync(name, _trusted, cancellationToken) is { } order && order.For(_market) is { } mine) await FollowAsync(order, mine, cancellationToken);
            }
            catch (ReleaseRefusedException e)
            {
                // What is in service stays in service; the refusal is told, and looked at again next time.
                _last = ("refused", e.Problem.Code);
            }
            catch (IOException)
            {
                _last = ("refused", "release-unreadable");
            }
        }
        foreach (var (name, order) in _orders) JudgeCanary(name, order);
        await _source.ReportAsync(new NodeReport(_node, _market, _time.GetUtcNow(), _kept.Revisions, _last.State, _last.Reason, _server.Versions), cancellationToken);
    }

    private async Task FollowAsync(DeploymentOrder order, MarketOrder mine, CancellationToken cancellationToken)
    {
        var before = _kept.Revisions.GetValueOrDefault(order.Name, -1);
        if (order.Revision < before) throw new ReleaseRefusedException(Messages.Problem("order-old", Declarations.Place.InFile(order.Name), order.Revision, before));
        if (order.Revision == before && _orders.ContainsKey(order.Name)) return;
        var stable = await _source.ReadAsync(order.Name, mine.Stable, _trusted, cancellationToken);
        var tried = mine.Canary is not null && !_kept.GivenUp.ContainsKey($"{order.Name} {order.Revision}");
        var canary = tried ? await _source.ReadAsync(order.Name, mine.Canary!, _trusted, cancellationToken) : null; // both are verified before either is put in service
        _server.Put(stable);
        if (canary is not null) _server.Put(canary, mine.Share);
        foreach (var old in _server.Versions.Where(v => v.Name == order.Name && v.Version != mine.Stable.Version && v.Version != mine.Canary?.Version)) _server.Remove(old.Name, old.Version);
        _orders[order.Name] = mine;
        lock (_drifted) _drifted.Clear();
        Remember(_kept with { Revisions = new Dictionary<string, long>(_kept.Revisions) { [order.Name] = order.Revision } });
        _last = canary is not null ? ("canary", null) : _kept.GivenUp.TryGetValue($"{order.Name} {order.Revision}", out var reason) ? ("rolled-back", reason) : ("serving", null);
    }

    private void JudgeCanary(string name, MarketOrder order)
    {
        var versions = _server.Versions.Where(v => v.Name == name).ToList();
        if (versions.FirstOrDefault(v => v.Canary) is not { } canary || versions.FirstOrDefault(v => !v.Canary && v.Version == order.Stable.Version) is not { } stable) return;
        if (Fault(name, canary, stable) is not { } reason) return;
        _server.Activate(name, stable.Version);
        Remember(_kept with { GivenUp = new Dictionary<string, string>(_kept.GivenUp) { [$"{name} {_kept.Revisions[name]}"] = reason } });
        _last = ("rolled-back", reason);
    }

    private string? Fault(string name, ServedVersion canary, ServedVersion stable)
    {
        // A canary that fails is given up early; slow or drifting ones need answers to be told from chance.
        if (canary.Failures >= 3 && canary.Failures > canary.Answers * (_limits.FailureShare + ((double)stable.Failures / Math.Max(1, stable.Answers)))) return "canary-failures";
        if (canary.Answers < _limits.Answers) return null;
        if (canary.P99Milliseconds > _limits.LatencyMilliseconds && canary.P99Milliseconds > _limits.LatencyFactor * stable.P99Milliseconds) return "canary-latency";
        lock (_drifted)
            return _drifted.GetValueOrDefault((name, canary.Version)) && !_drifted.GetValueOrDefault((name, stable.Version)) ? "canary-drift" : null;
    }

    private void Remember(Memory memory)
    {
        _kept = memory;
        Directory.CreateDirectory(Path.GetDirectoryName(_memory)!);
        File.WriteAllBytes(_memory + ".unfinished", JsonSerializer.SerializeToUtf8Bytes(memory));
        File.Move(_memory + ".unfinished", _memory, overwrite: true);
    }

    private sealed record Memory(Dictionary<string, long> Revisions, Dictionary<string, string> GivenUp);
}
