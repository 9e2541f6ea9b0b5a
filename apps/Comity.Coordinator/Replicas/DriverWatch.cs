using Comity.Coordinator.Storage;
using Npgsql;

namespace Comity.Coordinator.Replicas;

/// <summary>Looks twice a second which replica drives, so that calls go there, and calls to one that slept or died are let go.</summary>
internal sealed class DriverWatch : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    private readonly PostgresStore _store;
    private readonly CancellationTokenSource _over = new();
    private readonly Task _watching;
    private volatile Driver _present = new(0, null, new());

    public DriverWatch(PostgresStore store)
    {
        _store = store;
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>Who drives, as far as is known.</summary>
    public Driver Present => _present;

    /// <summary>Whether the database answered when it was last looked at.</summary>
    public bool IsThere { get; private set; } = true;

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _present.Over.CancelAsync(); // calls that are on their way end with this replica's following
    }

    private async Task WatchAsync()
    {
        while (!_over.IsCancellationRequested)
        {
            try
            {
                var (epoch, address) = await _store.LeaderAsync(_over.Token);
                if (epoch != _present.Epoch)
                {
                    var before = _present;
                    _present = new(epoch, address, new());
                    await before.Over.CancelAsync();
                }
                IsThere = true;
            }
            catch (Exception e) when (e is NpgsqlException or InvalidOperationException or TimeoutException)
            {
                if (IsThere) _store.Forget();
                IsThere = false; // calls still go where they went
            }
            await Task.Delay(LookEvery, _over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The replica that drives.</summary>
    /// <param name="Epoch">Of its leadership.</param>
    /// <param name="Address">Where it is reached; null: nowhere.</param>
    /// <param name="Over">Ends with its leadership.</param>
    internal sealed record Driver(long Epoch, Uri? Address, CancellationTokenSource Over);
}
