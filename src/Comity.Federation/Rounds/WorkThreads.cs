using System.Collections.Concurrent;

namespace Comity.Federation.Rounds;

/// <summary>Threads that do nothing but site work, one for each slot.</summary>
/// <remarks>
/// Kernels keep working memory for each thread that they ever ran on. On the shared pool, training wanders from thread to thread
/// and leaves some on each; here there are never more threads than slots, and the pool stays free for what waits.
/// </remarks>
internal sealed class WorkThreads(int threads) : TaskScheduler, IDisposable
{
    private readonly BlockingCollection<Task?> _queue = []; // null: one thread is to end
    private int _started;

    public override int MaximumConcurrencyLevel => threads;

    /// <summary>Ends the threads once they are through with what was queued; the next work begins on new ones, which hold nothing of the old. Nobody queues meanwhile.</summary>
    public void Renew()
    {
        for (var ending = Math.Min(threads, Interlocked.Exchange(ref _started, 0)); ending > 0; ending--) _queue.Add(null);
    }

    public void Dispose() => _queue.CompleteAdding();

    protected override void QueueTask(Task task)
    {
        if (Volatile.Read(ref _started) < threads && Interlocked.Increment(ref _started) <= threads)
            new Thread(Work) { IsBackground = true, Name = "comity site work" }.Start();
        _queue.Add(task);
    }

    // Never on a foreign thread: that is the point.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => _queue.OfType<Task>();

    private void Work()
    {
        foreach (var task in _queue.GetConsumingEnumerable())
        {
            if (task is null) return;
            TryExecuteTask(task);
        }
    }
}
