using System.Collections.Concurrent;

namespace Comity.Federation.Rounds;

/// <summary>Threads that do nothing but site work, one for each slot.</summary>
/// <remarks>
/// Kernels keep working memory for each thread that they ever ran on. On the shared pool, training wanders from thread to thread
/// and leaves some on each; here there are never more threads than slots, and the pool stays free for what waits.
/// </remarks>
internal sealed class WorkThreads(int threads) : TaskScheduler, IDisposable
{
    private readonly BlockingCollection<Task> _queue = [];
    private int _started;

    public override int MaximumConcurrencyLevel => threads;

    public void Dispose() => _queue.CompleteAdding();

    protected override void QueueTask(Task task)
    {
        if (Volatile.Read(ref _started) < threads && Interlocked.Increment(ref _started) <= threads)
            new Thread(Work) { IsBackground = true, Name = "comity site work" }.Start();
        _queue.Add(task);
    }

    // Never on a foreign thread: that is the point.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => _queue;

    private void Work()
    {
        foreach (var task in _queue.GetConsumingEnumerable()) TryExecuteTask(task);
    }
}
