using System.Collections.Concurrent;
using System.Globalization;
using Comity.Declarations;
using Comity.Federation.Runs;
using Comity.Federation.Trials;
using Comity.Transport.Protocol;
using Comity.Transport.Queues;
using Comity.Transport.Stores;
using Comity.Workers.Queues;
using Comity.Workers.Stores;
using Npgsql;

namespace Comity.Workers;

/// <summary>The run's side: places orders, watches leases, and fetches what came of them.</summary>
public sealed class TrialDispatcher : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan OfferAgainAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);

    private readonly TrialStore _store;
    private readonly TrialQueue _queue;
    private readonly DispatchOptions _options;
    private readonly ConcurrentDictionary<string, Placed> _placed = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _over = new();
    private readonly Task _watching;

    private TrialDispatcher(TrialStore store, TrialQueue queue, DispatchOptions options)
    {
        (_store, _queue, _options) = (store, queue, options);
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>Looks whether store and queue can be used, before anything is begun.</summary>
    /// <exception cref="WorkersRefusedException">One of them can't be used.</exception>
    public static async Task CheckAsync(StoreAddress store, QueueAddress queue, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(queue);
        await using var opened = await TrialStore.OpenAsync(store, cancellationToken);
        await using var joined = new TrialQueue(queue, opened.Name);
        await joined.OpenAsync(cancellationToken);
    }

    /// <summary>Joins store and queue.</summary>
    /// <exception cref="WorkersRefusedException">One of them can't be used.</exception>
    public static async Task<TrialDispatcher> OpenAsync(StoreAddress store, QueueAddress queue, DispatchOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(options);
        var opened = await TrialStore.OpenAsync(store, cancellationToken);
        var joined = new TrialQueue(queue, opened.Name);
        try
        {
            await joined.OpenAsync(cancellationToken);
            await opened.BeginAsync(options.Run, options.Description, options.Lease, options.MostDeliveries, cancellationToken);
            return new(opened, joined, options);
        }
        catch
        {
            await joined.DisposeAsync();
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>Has an order trained by a worker.</summary>
    /// <returns>What came of it, on this machine.</returns>
    /// <exception cref="StudyStoppedException">It can't be trained anywhere, or as many workers failed as it is delivered to at most.</exception>
    public async Task<TrialHandover> TrainAsync(TrialOrder order, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(order);
        var placed = _placed[order.Id] = new Placed(order);
        foreach (var file in order.Files) await AgainAsync(() => _store.Files.KeepAsync(_options.Run, file.Name, file.Path, cancellationToken), cancellationToken);
        var isNew = false;
        await AgainAsync(async () => isNew |= await _store.OrderAsync(_options.Run, order, cancellationToken), cancellationToken);
        if (isNew) await OfferAsync(order.Id, cancellationToken);
        var fence = await placed.Done.Task.WaitAsync(cancellationToken);
        var folder = Path.Combine(_options.Folder, order.Id.Replace('/', '~'));
        await AgainAsync(async () =>
        {
            var under = TrialStore.ProductOf(order.Id, fence);
            foreach (var name in await _store.Files.ListAsync(_options.Run, under, cancellationToken))
                await _store.Files.FetchAsync(_options.Run, name, Path.Combine(folder, name[under.Length..]), cancellationToken);
        }, cancellationToken);
        _placed.TryRemove(order.Id, out _);
        return new TrialHandover(folder, token => AgainAsync(() => _store.TakenAsync(_options.Run, order.Id, token), token));
    }

    /// <summary>The run is complete: nothing of it stays in the store.</summary>
    public Task CompleteAsync(CancellationToken cancellationToken) => AgainAsync(() => _store.ForgetAsync(_options.Run, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _queue.DisposeAsync();
        await _store.DisposeAsync();
        _over.Dispose();
    }

    private async Task WatchAsync()
    {
        var (began, told, there) = (_options.Time.GetTimestamp(), 0L, true);
        while (!_over.IsCancellationRequested)
        {
            try
            {
                await LookAsync(_over.Token);
                there = true;
                var since = told == 0 ? TimeSpan.FromSeconds(10) : TellEvery;
                if (_options.Time.GetElapsedTime(told == 0 ? began : told) >= since && await TellWhoIsMissingAsync(_over.Token)) told = _options.Time.GetTimestamp();
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException || TrialQueue.Passes(e))
            {
                if (there) _options.Tell(Messages.Problem("trial-store-lost", _store.Address.Place, _store.Address.Shown, (e.InnerException ?? e).Message));
                there = false;
            }
            await Task.Delay(LookEvery, _options.Time, _over.Token);
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        await _store.SeeRunAsync(_options.Run, cancellationToken);
        ToldProblem Silent(string worker) => ToldProblem.Of(Messages.Problem("trial-worker-silent", worker, worker, _options.Lease.TotalSeconds));
        foreach (var trial in await _store.ExpireAsync(_options.Run, Silent, cancellationToken)) await OfferAsync(trial, cancellationToken);
        foreach (var trial in await _store.OverdueAsync(_options.Run, OfferAgainAfter, cancellationToken)) await OfferAsync(trial, cancellationToken);
        foreach (var stand in await _store.StandsAsync(_options.Run, cancellationToken))
        {
            if (!_placed.TryGetValue(stand.Id, out var placed)) continue;
            if (stand.Fence != placed.Fence)
            {
                placed.Fence = stand.Fence;
                placed.Order.Begun?.Invoke();
            }
            if (stand.State == TrialStates.Done) placed.Done.TrySetResult(stand.Fence);
            else if (stand.State == TrialStates.Stopped) placed.Done.TrySetException(new StudyStoppedException(stand.Problem!.ToProblem(stand.Worker)));
            else if (stand.State == TrialStates.Dead && !placed.Done.Task.IsCompleted)
            {
                var last = stand.Problem!.ToProblem(stand.Worker);
                await _queue.PutAsideAsync(TrialMessage.Of(_options.Run, stand.Id, _options.Description), last.ToString(), cancellationToken);
                placed.Done.TrySetException(new StudyStoppedException(Messages.Problem("trial-dead", stand.Id, stand.Id, stand.Deliveries, stand.Worker, stand.Problem!.Found, stand.Problem.Remedy)));
            }
        }
    }

    // Nobody who could: said once after a while, and then now and then.
    private async Task<bool> TellWhoIsMissingAsync(CancellationToken cancellationToken)
    {
        if (_placed.IsEmpty) return false;
        var workers = await _store.WorkersAsync(cancellationToken);
        var declines = (await _store.DeclinesAsync(_options.Run, cancellationToken)).ToDictionary(d => d.Worker, d => d.Problem, StringComparer.Ordinal);
        if (workers.Any(w => !declines.ContainsKey(w.Name))) return false;
        if (workers.Count == 0) _options.Tell(Messages.Problem("trial-no-worker", _store.Address.Place, _store.Address.Shown));
        foreach (var worker in workers) _options.Tell(declines[worker.Name].ToProblem(worker.Name));
        return true;
    }

    private Task OfferAsync(string trial, CancellationToken cancellationToken) =>
        AgainAsync(() => _queue.PublishAsync(TrialMessage.Of(_options.Run, trial, _options.Description), cancellationToken), cancellationToken);

    // A server that goes away for a while holds up, and stops nothing.
    private async Task AgainAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                await work();
                return;
            }
            catch (Exception e) when (e is NpgsqlException { IsTransient: true } or TimeoutException || TrialQueue.Passes(e))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(2000, 50 << Math.Min(tries, 6))), _options.Time, cancellationToken);
            }
        }
    }

    private sealed class Placed(TrialOrder order)
    {
        public TrialOrder Order { get; } = order;

        public TaskCompletionSource<long> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public long Fence { get; set; }
    }
}

/// <summary>How a run's orders are placed.</summary>
public sealed record DispatchOptions
{
    /// <summary>The run's name in the store, which nobody else has; a resumed run has the same.</summary>
    public required string Run { get; init; }

    /// <summary>What workers must have.</summary>
    public required RunDescription Description { get; init; }

    /// <summary>Folder into which what came of orders is fetched.</summary>
    public required string Folder { get; init; }

    /// <summary>How long a worker may be silent until its order is another's.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often an order is delivered at most.</summary>
    public int MostDeliveries { get; init; } = 3;

    /// <summary>Told what a person should know while the run waits.</summary>
    public required Action<Problem> Tell { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
