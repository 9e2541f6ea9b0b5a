namespace Comity.Federation.Rounds;

/// <summary>One lease for each site asked in a round: cancelled when the site has gone without progress for as long as patience lasts, unless it has ended.</summary>
internal sealed class Leases : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, CancellationTokenSource> _sources = new(StringComparer.Ordinal);
    private readonly HashSet<string> _open;
    private readonly TimeSpan? _patience;
    private bool _over;

    public Leases(IEnumerable<string> sites, TimeSpan? patience, TimeProvider time)
    {
        _patience = patience;
        foreach (var site in sites) _sources[site] = patience is { } p ? new CancellationTokenSource(p, time) : new CancellationTokenSource();
        _open = [.. _sources.Keys];
    }

    public CancellationToken this[string site] => _sources[site].Token;

    public void Renew(string site)
    {
        lock (_gate)
        {
            // A site may report when the round is over already; a lease that has run out stays so.
            if (!_over && _open.Contains(site) && _patience is { } patience && !_sources[site].IsCancellationRequested) _sources[site].CancelAfter(patience);
        }
    }

    public void RenewAll()
    {
        if (_patience is null) return;
        foreach (var site in _sources.Keys) Renew(site);
    }

    /// <summary>The site has answered: nothing is awaited from it any more.</summary>
    public void End(string site)
    {
        lock (_gate)
        {
            if (!_over && _open.Remove(site) && _patience is not null) _sources[site].CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _over = true;
            foreach (var source in _sources.Values) source.Dispose();
        }
    }
}
