using System.Globalization;
using Comity.Declarations;
using Comity.Federation.Runs;
using Comity.Federation.Trials;
using Comity.Transport.Protocol;
using Comity.Transport.Queues;
using Comity.Transport.Stores;
using Comity.Workers.Assignment;
using Comity.Workers.Queues;
using Comity.Workers.Stores;
using Npgsql;

namespace Comity.Workers;

/// <summary>Trains an order.</summary>
/// <param name="order">The order; its files lie on this machine.</param>
/// <param name="slots">Site calls to make at the same time.</param>
/// <param name="scratch">A folder of its own, deleted afterwards.</param>
/// <param name="product">Folder for what comes of it.</param>
/// <param name="cancellationToken">Stops it: the lease is over, or the worker ends.</param>
public delegate Task TrainOrder(TrialOrder order, int slots, string scratch, string product, CancellationToken cancellationToken);

/// <summary>Opens a run's study on this machine.</summary>
/// <param name="run">What it must be.</param>
/// <param name="cancellationToken">Stops it.</param>
/// <returns>What trains its orders.</returns>
/// <exception cref="DeclinedException">It is not here, or is not the same.</exception>
public delegate Task<TrainOrder> OpenStudy(RunDescription run, CancellationToken cancellationToken);

/// <summary>A worker: takes orders while it has slots free, holds their leases while they make progress, and hands over what came of them.</summary>
public sealed class TrialWorker : IAsyncDisposable
{
    private const int OpenAtMost = 4;

    private static readonly TimeSpan DeclinesFor = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly TrialStore _store;
    private readonly TrialQueue _queue;
    private readonly WorkerOptions _options;
    private readonly MachineLoad _load;
    private readonly Dictionary<string, (long At, ToldProblem Problem)> _declined = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TrainOrder> _open = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _freed = new(0);
    private readonly List<Task> _atWork = [];
    private int _free;
    private double? _speed;

    private TrialWorker(TrialStore store, TrialQueue queue, WorkerOptions options, double? speed) =>
        (_store, _queue, _options, _free, _speed, _load) = (store, queue, options, options.Slots, speed, new MachineLoad(options.Time));

    private WorkerState Self => new(_options.Name, _options.Machine, _options.VectorBits, _options.Slots, _speed, _load.FreeShare);

    /// <summary>Joins store and queue.</summary>
    /// <exception cref="WorkersRefusedException">One of them can't be used.</exception>
    public static async Task<TrialWorker> OpenAsync(StoreAddress store, QueueAddress queue, WorkerOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(options);
        var opened = await TrialStore.OpenAsync(store, cancellationToken);
        var joined = new TrialQueue(queue, opened.Name);
        try
        {
            await joined.OpenAsync(cancellationToken);
            return new(opened, joined, options, await opened.SpeedAsync(options.Machine, options.Slots, cancellationToken));
        }
        catch
        {
            await joined.DisposeAsync();
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>Works until it is stopped. What it is at work on then is given back.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var seen = Task.Run(() => BeSeenAsync(over.Token), CancellationToken.None);
        var there = true;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await TakeOneAsync(cancellationToken);
                if (!there) _options.Tell(new WorkerEvent.Reconnected());
                there = true;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException || TrialQueue.Passes(e))
            {
                if (there) _options.Tell(new WorkerEvent.Disconnected((e.InnerException ?? e).Message));
                there = false;
                await Task.Delay(RetryAfter, _options.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        Task[] open;
        lock (_gate) open = [.. _atWork];
        await Task.WhenAll(open);
        await over.CancelAsync();
        await seen;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        await _store.DisposeAsync();
        _freed.Dispose();
    }

    private async Task TakeOneAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            lock (_gate)
            {
                _atWork.RemoveAll(t => t.IsCompleted);
                if (_free > 0) break;
            }
            await _freed.WaitAsync(cancellationToken);
        }
        var delivered = await _queue.TakeAsync(cancellationToken);
        if (delivered.Message is not { } message)
        {
            await delivered.RejectAsync(cancellationToken);
            return;
        }
        if (await _store.DescriptionAsync(message.Run, cancellationToken) is not { } description)
        {
            await delivered.AcknowledgeAsync(cancellationToken); // of a run that is over, or stands still: it offers anew what it needs
            return;
        }
        if (await DeclineAsync(message.Run, description, cancellationToken) is { } problem)
        {
            await _store.DeclineAsync(message.Run, _options.Name, problem, cancellationToken);
            // To the end of the queue, for another; not at once again to this one.
            await _queue.PublishAsync(message, cancellationToken);
            await delivered.AcknowledgeAsync(cancellationToken);
            await Task.Delay(RetryAfter, _options.Time, cancellationToken);
            return;
        }
        int slots;
        lock (_gate) slots = _free;
        var leased = await _store.LeaseAsync(message.Run, _options.Name, (waiting, workers, begun) => TrialChoice.Choose(waiting, workers, begun, Self, slots), cancellationToken);
        await delivered.AcknowledgeAsync(cancellationToken); // early: the lease is what counts
        if (leased is null) return;
        var used = Math.Clamp(leased.Order.Slots, 1, slots);
        lock (_gate)
        {
            _free -= used;
            _atWork.Add(Task.Run(() => WorkAsync(leased, _open[message.Run], used, message, cancellationToken), CancellationToken.None));
        }
    }

    // Null: this worker can train the run's orders.
    private async Task<ToldProblem?> DeclineAsync(string run, RunDescription description, CancellationToken cancellationToken)
    {
        if (_open.ContainsKey(run)) return null;
        if (_declined.TryGetValue(run, out var before) && _options.Time.GetElapsedTime(before.At) < DeclinesFor) return before.Problem;
        var problem = Differs(description);
        if (problem is null)
        {
            try
            {
                if (_open.Count == OpenAtMost) _open.Clear(); // orders under way keep theirs
                _open[run] = await _options.Open(description, cancellationToken);
                return null;
            }
            catch (DeclinedException e)
            {
                problem = e.Problem;
            }
        }
        var told = ToldProblem.Of(problem);
        _declined[run] = (_options.Time.GetTimestamp(), told);
        _options.Tell(new WorkerEvent.Declined(description.Study, problem));
        return told;
    }

    private Problem? Differs(RunDescription run)
    {
        if (run.Version != _options.Version) return Messages.Problem("trial-other-version", _options.Name, _options.Name, _options.Version, run.Version);
        if (run.Architecture != _options.Architecture) return Messages.Problem("trial-other-architecture", _options.Name, _options.Name, _options.Architecture, run.Architecture);
        return run.VectorBits != _options.VectorBits ? Messages.Problem("trial-other-width", _options.Name, _options.Name, _options.VectorBits, run.VectorBits) : null;
    }

    private async Task WorkAsync(LeasedTrial leased, TrainOrder train, int slots, TrialMessage message, CancellationToken stopping)
    {
        var folder = Path.Combine(_options.Scratch, string.Create(CultureInfo.InvariantCulture, $"trial-{leased.Fence}"));
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var renewed = new CancellationTokenSource();
        var renewing = Task.Run(() => RenewAsync(leased, lost, renewed.Token), CancellationToken.None);
        try
        {
            _options.Tell(new WorkerEvent.Begun(leased.Order.Id, leased.Delivery));
            var began = _options.Time.GetTimestamp();
            var share = _load.FreeShare;
            var product = Path.Combine(folder, "product");
            var files = new List<TrialFile>();
            foreach (var file in leased.Order.Files)
            {
                var path = Path.Combine(folder, "given", file.Name);
                await _store.Files.FetchAsync(leased.Run, file.Name, path, lost.Token);
                files.Add(file with { Path = path });
            }
            var training = _options.Time.GetTimestamp();
            await train(leased.Order with { Files = files }, slots, Path.Combine(folder, "run"), product, lost.Token);
            Measure(leased.Order, slots, _options.Time.GetElapsedTime(training).TotalSeconds, (share + _load.FreeShare) / 2);
            var under = TrialStore.ProductOf(leased.Order.Id, leased.Fence);
            foreach (var path in Directory.EnumerateFiles(product)) await _store.Files.KeepAsync(leased.Run, under + Path.GetFileName(path), path, lost.Token);
            if (await _store.FinishAsync(leased, lost.Token)) _options.Tell(new WorkerEvent.Finished(leased.Order.Id, _options.Time.GetElapsedTime(began)));
            else _options.Tell(new WorkerEvent.LeaseLost(leased.Order.Id));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await QuietlyAsync(async () =>
            {
                if (await _store.GiveBackAsync(leased, CancellationToken.None)) await _queue.PublishAsync(message, CancellationToken.None);
            });
            _options.Tell(new WorkerEvent.GivenBack(leased.Order.Id));
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested)
        {
            _options.Tell(new WorkerEvent.LeaseLost(leased.Order.Id));
        }
        catch (StudyStoppedException e)
        {
            await FailAsync(leased, e.Problem, anywhere: true, message);
        }
        catch (Exception e) when (e is not (OutOfMemoryException or StackOverflowException))
        {
            // What it needed may have gone with its lease: a round, or a whole run, that is over. Then nothing failed.
            if (await IsLostAsync(leased))
            {
                _options.Tell(new WorkerEvent.LeaseLost(leased.Order.Id));
                return;
            }
            var problem = e is InvalidDeclarationException { Problems: [var first, ..] } ? first : Messages.Problem("trial-failed", _options.Name, _options.Name, leased.Order.Id, e.GetType().Name, e.Message);
            await FailAsync(leased, problem, anywhere: false, message);
        }
        finally
        {
            await renewed.CancelAsync();
            await renewing;
            await QuietlyAsync(() =>
            {
                if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
                return Task.CompletedTask;
            });
            lock (_gate) _free += slots;
            _freed.Release();
        }
    }

    private async Task<bool> IsLostAsync(LeasedTrial leased)
    {
        var lost = false;
        await QuietlyAsync(async () => lost = !await _store.RenewAsync(leased, CancellationToken.None));
        return lost;
    }

    private async Task FailAsync(LeasedTrial leased, Problem problem, bool anywhere, TrialMessage message)
    {
        _options.Tell(new WorkerEvent.Failed(leased.Order.Id, problem));
        await QuietlyAsync(async () =>
        {
            if (await _store.FailAsync(leased, ToldProblem.Of(problem), anywhere, CancellationToken.None)) await _queue.PublishAsync(message, CancellationToken.None);
        });
    }

    // While this process computes, the lease lasts. One that stands still loses it, whatever it says.
    private async Task RenewAsync(LeasedTrial leased, CancellationTokenSource lost, CancellationToken cancellationToken)
    {
        var every = leased.Lease / 4;
        var (until, used) = (_options.Time.GetTimestamp(), _options.Computed());
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(every, _options.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellationToken.IsCancellationRequested) return;
            var now = _options.Computed();
            var computes = now - used >= every / 300;
            used = now;
            try
            {
                if (computes && !await _store.RenewAsync(leased, cancellationToken)) await lost.CancelAsync();
                if (computes) until = _options.Time.GetTimestamp();
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
            {
                // Asked again soon. Longer than the lease nobody goes on: another has begun.
            }
            if (_options.Time.GetElapsedTime(until) > leased.Lease) await lost.CancelAsync();
            if (lost.IsCancellationRequested) return;
        }
    }

    private void Measure(TrialOrder order, int slots, double seconds, double share)
    {
        if (seconds < 0.05) return; // of which hardly anything was training
        var measured = order.Cost / (seconds * slots * Math.Max(share, 0.05));
        lock (_gate) _speed = _speed is { } before ? (before + measured) / 2 : measured;
    }

    private async Task BeSeenAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await QuietlyAsync(() => _store.SeeWorkerAsync(Self, cancellationToken));
            await Task.Delay(TrialStore.SeenWithin / 5, _options.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _load.Look();
        }
        await QuietlyAsync(() => _store.ForgetWorkerAsync(_options.Name, CancellationToken.None));
    }

    // What the lease makes good by running out.
    private static async Task QuietlyAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException or UnauthorizedAccessException || TrialQueue.Passes(e))
        {
            // Said where it was tried first.
        }
    }
}
