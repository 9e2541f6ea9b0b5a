using System.Collections.Immutable;
using Comity.Serving.Drift;

namespace Comity.Serving.Inference;

/// <summary>One version in service: the model and what belongs to it alone.</summary>
internal sealed class ModelVersion
{
    public ModelVersion(ServedModel model, ServingLimits limits, DriftMonitor? drift, TimeProvider time)
    {
        (Model, Drift) = (model, drift);
        Batcher = new Batcher(model, limits.Batch, limits.ParallelBatches, time);
        Cache = ResultCache.Of(model, limits.CacheBytes);
        Health = new VersionHealth(time);
        Texts = new Protocol.AnswerTexts(model);
    }

    public ServedModel Model { get; }

    public Batcher Batcher { get; }

    public ResultCache? Cache { get; }

    public DriftMonitor? Drift { get; }

    public VersionHealth Health { get; }

    public Protocol.AnswerTexts Texts { get; }

    public string Name => Model.Manifest.Name;

    public string Version => Model.Manifest.Version;
}

/// <summary>The versions of one name: which answers, and which is tried on a share of the requests.</summary>
/// <param name="Stable">Answers what names no version.</param>
/// <param name="Canary">Answers a share of it; null: nothing is tried.</param>
/// <param name="Share">That share, from 0 to 1.</param>
/// <param name="All">Every version that may be asked for by name.</param>
internal sealed record ModelRoute(ModelVersion Stable, ModelVersion? Canary, double Share, ImmutableDictionary<string, ModelVersion> All)
{
    private const double GoldenRatio = 0.6180339887498949;

    /// <summary>The version for the n-th request. Multiples of the golden ratio spread evenly, so that every short run of requests has its share.</summary>
    public ModelVersion For(long request) => Canary is not null && request * GoldenRatio % 1 < Share ? Canary : Stable;
}

/// <summary>Which models are in service. Readers see one immutable state; a change replaces it as a whole.</summary>
/// <remarks>A request takes its version once and keeps it to its end, so no answer mixes two; a version that was replaced lives until its last request is done.</remarks>
internal sealed class ModelRegistry
{
    private readonly Lock _change = new();
    private volatile State _state = new(new Dictionary<string, ModelRoute>(StringComparer.Ordinal));
    private long _requests;

    public IReadOnlyDictionary<string, ModelRoute> Routes => _state.Routes;

    /// <summary>The version that answers; null: there is no such model or version.</summary>
    /// <param name="name">The model's name; empty: the only one.</param>
    /// <param name="version">The version; empty: the route decides.</param>
    public ModelVersion? Find(ReadOnlySpan<char> name, ReadOnlySpan<char> version)
    {
        var state = _state;
        var route = name.IsEmpty ? state.Only : state.ByName.TryGetValue(name, out var found) ? found : null;
        if (route is null) return null;
        if (version.IsEmpty) return route.For(route.Canary is null ? 0 : Interlocked.Increment(ref _requests));
        foreach (var (key, value) in route.All)
            if (version.SequenceEqual(key)) return value;
        return null;
    }

    /// <summary>Puts a version in service beside those that are there.</summary>
    /// <param name="version">The version.</param>
    /// <param name="share">1: it answers from now on; less: it is tried on that share; 0: it answers when asked for by version.</param>
    public void Put(ModelVersion version, double share)
    {
        lock (_change)
        {
            _state.Routes.TryGetValue(version.Name, out var before);
            var all = (before?.All ?? ImmutableDictionary<string, ModelVersion>.Empty).SetItem(version.Version, version);
            var route = before is null || share >= 1 ? new ModelRoute(version, null, 0, all) : before with { Canary = share > 0 ? version : before.Canary, Share = share > 0 ? share : before.Share, All = all };
            _state = _state.With(version.Name, route);
        }
    }

    /// <summary>Makes a version that is in service the one that answers, and ends any trial.</summary>
    public bool Activate(string name, string version)
    {
        lock (_change)
        {
            if (!_state.Routes.TryGetValue(name, out var route) || !route.All.TryGetValue(version, out var chosen)) return false;
            _state = _state.With(name, route with { Stable = chosen, Canary = null, Share = 0 });
            return true;
        }
    }

    /// <summary>Takes a version out of service; the stable one stays.</summary>
    public bool Remove(string name, string version)
    {
        lock (_change)
        {
            if (!_state.Routes.TryGetValue(name, out var route) || route.Stable.Version == version || !route.All.ContainsKey(version)) return false;
            var ended = route.Canary?.Version == version;
            _state = _state.With(name, route with { Canary = ended ? null : route.Canary, Share = ended ? 0 : route.Share, All = route.All.Remove(version) });
            return true;
        }
    }

    private sealed class State
    {
        public State(Dictionary<string, ModelRoute> routes)
        {
            (Routes, ByName) = (routes, routes.GetAlternateLookup<ReadOnlySpan<char>>());
            if (routes.Count == 1) Only = routes.Values.First();
        }

        public IReadOnlyDictionary<string, ModelRoute> Routes { get; }

        public Dictionary<string, ModelRoute>.AlternateLookup<ReadOnlySpan<char>> ByName { get; }

        /// <summary>The only model; null: there are several, or none.</summary>
        public ModelRoute? Only { get; }

        public State With(string name, ModelRoute route) => new(new Dictionary<string, ModelRoute>(Routes, StringComparer.Ordinal) { [name] = route });
    }
}
