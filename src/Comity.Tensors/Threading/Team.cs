using System.Runtime.ExceptionServices;

namespace Comity.Tensors.Threading;

/// <summary>A part of some work that parts may do at the same time. Which thread does a part must not matter.</summary>
internal interface IJob
{
    void Do(int part, int parts);
}

/// <summary>Threads that share the large operations of one model: the caller and helpers that spin for a moment before they sleep.</summary>
/// <remarks>
/// Parts are claimed one by one, so a caller whose helpers are late does all of them itself: it never waits for a thread that has not begun.
/// Work is cut so that every number is computed by one thread in the order in which one thread alone would: results have the same bits
/// for any number of threads. One caller at a time; another that comes meanwhile works alone.
/// </remarks>
public sealed unsafe class Team : IDisposable
{
    private const int Spins = 400; // about 50 µs
    private const ulong CountBits = 16, CountMask = (1UL << (int)CountBits) - 1;

    private readonly Helper[] _helpers;
    private ulong _ticket; // generation, parts, next part: claimed by comparison, so a late helper cannot claim a part of other work
    private delegate*<void*, int, int, void> _work;
    private void* _job;
    private Exception? _failure;
    private int _done;
    private int _sleeping;
    private int _busy;
    private volatile bool _over;
    private volatile int _forgotten;

    /// <param name="threads">Threads in all, the caller's among them; at least 1.</param>
    public Team(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        Threads = threads;
        _helpers = new Helper[threads - 1];
        for (var i = 0; i < _helpers.Length; i++) _helpers[i] = new Helper();
        foreach (var helper in _helpers)
        {
            helper.Thread = new Thread(() => Help(helper)) { IsBackground = true, Name = "comity-team" };
            helper.Thread.Start();
        }
    }

    /// <summary>Threads in all.</summary>
    public int Threads { get; }

    /// <summary>Lets the helpers give back the memory that they worked in, once they rest; for the end of a phase, as the next work takes it anew.</summary>
    public void Release()
    {
        if (_over || _helpers.Length == 0) return;
        Interlocked.Increment(ref _forgotten);
        Wake(_helpers.Length);
    }

    /// <summary>Ends the helpers. Work that comes later is done by its caller alone.</summary>
    public void Dispose()
    {
        if (_over) return;
        _over = true;
        Interlocked.MemoryBarrier();
        Wake(_helpers.Length);
        foreach (var helper in _helpers)
        {
            helper.Thread!.Join();
            helper.Woken.Dispose();
        }
    }

    internal void Run<TJob>(TJob job, int parts) where TJob : unmanaged, IJob
    {
        if (parts <= 1 || _over || _helpers.Length == 0 || Interlocked.Exchange(ref _busy, 1) == 1)
        {
            for (var part = 0; part < parts; part++) job.Do(part, parts);
            return;
        }
        _work = &Do<TJob>;
        _job = &job;
        (_failure, _done) = (null, 0);
        var generation = Volatile.Read(ref _ticket) >> (int)(2 * CountBits);
        Interlocked.Exchange(ref _ticket, ((generation + 1) << (int)(2 * CountBits)) | ((ulong)parts << (int)CountBits));
        if (Volatile.Read(ref _sleeping) > 0) Wake(parts - 1);
        while (TryPart())
        {
        }
        for (var spin = new SpinWait(); Volatile.Read(ref _done) < parts;) spin.SpinOnce(sleep1Threshold: -1);
        var failure = _failure;
        Volatile.Write(ref _busy, 0);
        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
    }

    private static void Do<TJob>(void* job, int part, int parts) where TJob : unmanaged, IJob => ((TJob*)job)->Do(part, parts);

    private bool TryPart()
    {
        while (true)
        {
            var ticket = Volatile.Read(ref _ticket);
            int parts = (int)((ticket >> (int)CountBits) & CountMask), next = (int)(ticket & CountMask);
            if (next >= parts) return false;
            if (Interlocked.CompareExchange(ref _ticket, ticket + 1, ticket) != ticket) continue;
            // Nothing of this work changes before all of its parts are done, and this one is not.
            try
            {
                _work(_job, next, parts);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Interlocked.CompareExchange(ref _failure, e, null);
            }
            finally
            {
                Interlocked.Increment(ref _done);
            }
            return true;
        }
    }

    // Each sleeper is woken by name: a count that all of them shared could be taken by one that was awake already.
    private void Wake(int atMost)
    {
        foreach (var helper in _helpers)
        {
            if (atMost == 0) return;
            if (Volatile.Read(ref helper.Asleep) == 0 || Interlocked.Exchange(ref helper.Asleep, 0) == 0) continue;
            helper.Woken.Release();
            atMost--;
        }
    }

    private void Help(Helper self)
    {
        var (idle, forgotten) = (0, 0);
        while (!_over)
        {
            if (TryPart())
            {
                idle = 0;
            }
            else if (forgotten != _forgotten)
            {
                forgotten = _forgotten;
                Memory.Scratch.Forget();
            }
            else if (++idle < Spins)
            {
                Thread.SpinWait(20);
            }
            else
            {
                Interlocked.Increment(ref _sleeping);
                Interlocked.Exchange(ref self.Asleep, 1);
                // What came before that has woken nobody; who lowers the flag here and finds it lowered has been woken meanwhile.
                var called = HasWork() || _over || forgotten != _forgotten;
                if (!called || Interlocked.Exchange(ref self.Asleep, 0) == 0) self.Woken.Wait();
                Interlocked.Decrement(ref _sleeping);
                idle = 0;
            }
        }
    }

    private bool HasWork()
    {
        var ticket = Volatile.Read(ref _ticket);
        return (ticket & CountMask) < ((ticket >> (int)CountBits) & CountMask);
    }

    private sealed class Helper
    {
        public readonly SemaphoreSlim Woken = new(0);
        public Thread? Thread;
        public int Asleep;
    }
}
