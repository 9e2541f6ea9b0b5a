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
    private static readonly TimeSpan LookSoon = TimeSpan.FromMilliseconds(50); // a round waits for the last of its groups
    private static readonly TimeSpan OfferAgainAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);

    private readonly TrialStore _store;
    private readonly TrialQueue _queue;
    private readonly DispatchOptions _options;
    private readonly ConcurrentDictionary<string, Placed> _placed = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _over = new();
    private readonly Task _watching;
    private readonly TrainedHere _here;
    private volatile IReadOnlyList<WorkerState>? _free; // null: nobody has looked yet
    private volatile bool _groups;

    private TrialDispatcher(TrialStore store, TrialQueue queue, DispatchOptions options)
    {
        (_store, _queue, _options, _here) = (store, queue, options, new TrainedHere(options));
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
            // Of a round that an earlier process was at: what it took is in the run, the rest is cut anew.
            await opened.ForgetOrdersAsync(options.Run, SiteGroup.Prefix, cancellationToken);
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
        if (_here.IsAsked(order) && _free is { Count: 0 }) return await _here.TrainAsync(order, cancellationToken);
        var placed = _placed[order.Id] = new Placed(order, _options.Time.GetTimestamp());
        foreach (var file in order.Files) await AgainAsync(() => _store.Files.KeepAsync(_options.Run, file.Name, file.Path, cancellationToken), cancellationToken);
        var isNew = false;
        await AgainAsync(async () => isNew |= await _store.OrderAsync(_options.Run, order, cancellationToken), cancellationToken);
        if (isNew) await OfferAsync(order.Id, cancellationToken);
        if (await DoneAsync(placed, cancellationToken) is not { } fence)
        {
            _placed.TryRemove(order.Id, out _);
            return await _here.TrainAsync(order, cancellationToken, turn: true);
        }
        var folder = _options.FolderOf(order);
        await AgainAsync(async () =>
        {
            var under = TrialStore.ProductOf(order.Id, fence);
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true); // of an earlier process
            foreach (var name in await _store.Files.ListAsync(_options.Run, under, cancellationToken))
                await _store.Files.FetchAsync(_options.Run, name, Path.Combine(folder, name[under.Length..]), cancellationToken);
        }, cancellationToken);
        _placed.TryRemove(order.Id, out _);
        return new TrialHandover(folder, token => AgainAsync(() => _store.TakenAsync(_options.Run, order.Id, token), token));
    }

    /// <summary>Workers that are there and can train the run's orders.</summary>
    public async Task<IReadOnlyList<GroupWorker>> WorkersAsync(CancellationToken cancellationToken)
    {
        await AgainAsync(() => CountAsync(cancellationToken), cancellationToken);
        return [.. _free!.Select(w => new GroupWorker(w.Slots, w.Speed, w.FreeShare))];
    }

    /// <summary>Forgets orders whose names begin so, with their files.</summary>
    public Task ForgetAsync(string prefix, CancellationToken cancellationToken) => AgainAsync(() => _store.ForgetOrdersAsync(_options.Run, prefix, cancellationToken), cancellationToken);

    /// <summary>The run is complete: nothing of it stays in the store.</summary>
    public Task CompleteAsync(CancellationToken cancellationToken) => AgainAsync(() => _store.ForgetAsync(_options.Run, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_groups)
        {
            // Workers need not go on with a round that nobody drives. Where the store is away, a resumed run says so.
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await Task.Run(() => _store.ForgetOrdersAsync(_options.Run, SiteGroup.Prefix, limit.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        _here.Dispose();
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
            await Task.Delay(_placed.Values.Any(p => p.Order.Group is not null) ? LookSoon : LookEvery, _options.Time, _over.Token);
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        await _store.SeeRunAsync(_options.Run, cancellationToken);
        ToldProblem Silent(string worker) => ToldProblem.Of(Messages.Problem("trial-worker-silent", worker, worker, _options.Lease.TotalSeconds));
        foreach (var trial in await _store.ExpireAsync(_options.Run, Silent, cancellationToken)) await OfferAsync(trial, cancellationToken);
        foreach (var trial in await _store.OverdueAsync(_options.Run, OfferAgainAfter, cancellationToken)) await OfferAsync(trial, cancellationToken);
        if (_placed.Values.Any(p => p.Order.Group is not null)) await CountAsync(cancellationToken);
        foreach (var stand in await _store.StandsAsync(_options.Run, cancellationToken))
        {
            if (!_placed.TryGetValue(stand.Id, out var placed)) continue;
            placed.Begun = _options.Time.GetTimestamp();
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

    // The number of the lease that trained it. Null: nobody took it, and it is for this process, whose turn it is.
    private async Task<long?> DoneAsync(Placed placed, CancellationToken cancellationToken)
    {
        var order = placed.Order;
        _groups |= order.Group is not null;
        if (!_here.IsAsked(order)) return await placed.Done.Task.WaitAsync(cancellationToken);
        while (await Task.WhenAny(placed.Done.Task, Task.Delay(LookEvery, _options.Time, cancellationToken)) != placed.Done.Task)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var waits = _options.Time.GetElapsedTime(placed.Begun);
            if ((waits < order.Patience && _free is not { Count: 0 }) || !_here.TakesTurn()) continue;
            var withdrawn = false;
            try
            {
                await AgainAsync(async () => withdrawn |= await _store.WithdrawAsync(_options.Run, order.Id, cancellationToken), cancellationToken);
            }
            finally
            {
                if (!withdrawn) _here.EndTurn();
            }
            if (withdrawn) return null;
        }
        return await placed.Done.Task;
    }

    private async Task CountAsync(CancellationToken cancellationToken)
    {
        var declines = (await _store.DeclinesAsync(_options.Run, cancellationToken)).Select(d => d.Worker).ToHashSet(StringComparer.Ordinal);
        _free = (await _store.WorkersAsync(cancellationToken)).FindAll(w => !declines.Contains(w.Name) && w.VectorBits == _options.Description.VectorBits);
    }

    // Nobody who could: said once after a while, and then now and then.
    private async Task<bool> TellWhoIsMissingAsync(CancellationToken cancellationToken)
    {
        if (_placed.Values.All(p => _here.IsAsked(p.Order))) return false; // nothing waits for a worker
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

    private sealed class Placed(TrialOrder order, long at)
    {
        public TrialOrder Order { get; } = order;

        /// <summary>When it was placed, or last seen in somebody's hands.</summary>
        public long Begun { get; set; } = at;

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

    /// <summary>Trains on this machine what nobody takes for as long as its <see cref="TrialOrder.Patience"/>; null: it waits.</summary>
    public TrainOrder? TrainHere { get; init; }

    /// <summary>Site calls to make at the same time on this machine.</summary>
    public int SlotsHere { get; init; } = 1;

    /// <summary>Told what a person should know while the run waits.</summary>
    public required Action<Problem> Tell { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    internal string FolderOf(TrialOrder order) => Path.Combine(Folder, order.Id.Replace('/', '~'));
}
