using System.Collections.Concurrent;

namespace Comity.Federation.Rounds;

/// <summary>Site calls that may run at the same time, and what keeps their dead vectors from piling up.</summary>
/// <remarks>
/// A large vector dies young, but the collector looks at large objects only with its oldest generation, and lets garbage
/// grow with what survives. With a million parameters and 200 sites that was 20 models of garbage; so after every few
/// vectors a collection is asked for. It takes a millisecond or two, next to training such a model that is nothing.
/// </remarks>
/// <param name="jobs">Calls at the same time.</param>
/// <param name="threads">Where they run; null: on the shared pool.</param>
internal sealed class WorkSlots(int jobs, WorkThreads? threads = null)
{
    /// <summary>So many dead vectors ask for a collection.</summary>
    public const int VectorsBetween = 2;

    /// <summary>So many calls with large vectors, which leave small garbage only, ask for one too.</summary>
    public const int CallsBetween = 8;

    private const long Large = 1 << 20;

    private readonly ConcurrentDictionary<int, ConcurrentBag<float[]>> _vectors = new();
    private readonly TaskScheduler _where = threads ?? TaskScheduler.Default;
    private readonly Lock _gate = new();
    private readonly Queue<Task> _waiting = [];
    private int _free = Math.Max(1, jobs);
    private long _dead;
    private int _calls;

    /// <summary>Runs site work once a slot is free, and holds the slot until it is done.</summary>
    /// <param name="work">The work.</param>
    /// <param name="vectors">How many vectors it leaves behind.</param>
    /// <param name="parameters">Length of each.</param>
    /// <param name="cancellationToken">Stops it before it begins.</param>
    public Task<T> RunAsync<T>(Func<Task<T>> work, int vectors, int parameters, CancellationToken cancellationToken)
    {
        var turn = new Task<Task<T>>(() => InSlotAsync(work, vectors, parameters, cancellationToken));
        if (TakesSlot(turn)) turn.Start(_where);
        return turn.Unwrap();
    }

    /// <summary>Where vectors come from and go back to; null: they are kept here.</summary>
    public WorkSlots? Lender { get; init; }

    /// <summary>A vector with any content, used before if there is one: no more of a length are ever made than there are slots.</summary>
    public float[] Rent(int length) => Lender is { } lender ? lender.Rent(length)
        : _vectors.TryGetValue(length, out var kept) && kept.TryTake(out var vector) ? vector : GC.AllocateUninitializedArray<float>(length);

    /// <summary>Gives a rented vector back.</summary>
    public void Return(float[] vector) => (Lender ?? this)._vectors.GetOrAdd(vector.Length, _ => []).Add(vector);

    /// <summary>Forgets the vectors that were given back: nothing is trained any more.</summary>
    public void ForgetVectors()
    {
        var large = _vectors.Any(v => sizeof(float) * (long)v.Key >= Large && !v.Value.IsEmpty);
        _vectors.Clear();
        if (large) GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);
    }

    /// <summary>Vectors that nobody needs any more.</summary>
    public void Discarded(int vectors, int parameters)
    {
        var each = 4L * parameters;
        if (each < Large) return;
        var many = Interlocked.Add(ref _dead, vectors * each) >= VectorsBetween * each;
        if (Interlocked.Increment(ref _calls) % CallsBetween != 0 && !many) return;
        Interlocked.Exchange(ref _dead, 0);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
    }

    /// <summary>Gives memory back between phases of a run, so that what one left dead does not stand under what the next needs for a moment.</summary>
    public static async Task PhaseEndedAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // off the stack of whoever ended the phase
        GC.Collect();
        GC.WaitForPendingFinalizers(); // a timer of a round that is over holds its offer, hence a model, until its finaliser has run
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private async Task<T> InSlotAsync<T>(Func<Task<T>> work, int vectors, int parameters, CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            return await work().ConfigureAwait(false);
        }
        finally
        {
            Discarded(vectors, parameters);
            // The thread that ends a piece of work begins the next: with a semaphore, whose waiters wake on other threads, half of
            // the time of short pieces went into waking.
            NextInSlot()?.Start(_where);
        }
    }

    private bool TakesSlot(Task turn)
    {
        lock (_gate)
        {
            if (_free > 0)
            {
                _free--;
                return true;
            }
            _waiting.Enqueue(turn);
            return false;
        }
    }

    private Task? NextInSlot()
    {
        lock (_gate)
        {
            if (_waiting.TryDequeue(out var next)) return next;
            _free++;
            return null;
        }
    }
}
