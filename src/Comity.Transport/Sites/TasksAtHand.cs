using System.Collections.Concurrent;
using Comity.Transport.Protocol;

namespace Comity.Transport.Sites;

/// <summary>The tasks that a site's process works on at the moment.</summary>
internal sealed class TasksAtHand(int most, bool releaseLoss)
{
    private readonly SemaphoreSlim _freed = new(0);
    private readonly ConcurrentDictionary<string, Hand> _hands = new(StringComparer.Ordinal);

    public IReadOnlyList<string> Keys => [.. _hands.Keys];

    /// <summary>Their studies.</summary>
    public IReadOnlyList<string> Studies => [.. _hands.Values.Select(h => h.Task.Study).Distinct(StringComparer.Ordinal)];

    /// <summary>How many more are taken.</summary>
    public int Room => most - _hands.Count;

    public IReadOnlyList<TaskProgress> Progress => [.. _hands.Values.Select(h => h.Meter.Now)];

    /// <summary>Ends with all of them.</summary>
    public Task AllDone => Task.WhenAll(_hands.Values.Select(h => h.Work));

    /// <summary>Waits until one has ended.</summary>
    public Task FreedAsync(CancellationToken cancellationToken) => _freed.WaitAsync(cancellationToken);

    /// <summary>Begins a task, unless it is at hand already.</summary>
    public void Begin(SiteTask task, Func<SiteTask, TaskMeter, CancellationToken, Task> handle, CancellationToken cancellationToken)
    {
        var hand = new Hand(task, new TaskMeter(task.Key, releaseLoss), CancellationTokenSource.CreateLinkedTokenSource(cancellationToken));
        if (!_hands.TryAdd(task.Key, hand)) return;
        hand.Work = Task.Run(async () =>
        {
            try
            {
                await handle(task, hand.Meter, hand.Dropped.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (hand.Dropped.IsCancellationRequested)
            {
                // The coordinator no longer wants it, or the site ends: what is stored stays.
            }
            finally
            {
                _hands.TryRemove(task.Key, out _);
                _freed.Release();
                hand.Dropped.Dispose();
            }
        }, CancellationToken.None);
    }

    /// <summary>Drops a task that nobody wants any more.</summary>
    public void Drop(string key)
    {
        if (_hands.TryGetValue(key, out var hand)) hand.Drop();
    }

    /// <summary>Drops all tasks of a study.</summary>
    public void DropStudy(string study)
    {
        foreach (var hand in _hands.Values.Where(h => h.Task.Study == study)) hand.Drop();
    }

    /// <summary>Whether another task at hand needs a body too.</summary>
    public bool Shares(string key, BodyReference body) => _hands.Any(h => h.Key != key && h.Value.Task.Bodies.Any(b => b.Digest == body.Digest));

    private sealed class Hand(SiteTask task, TaskMeter meter, CancellationTokenSource dropped)
    {
        public SiteTask Task => task;

        public TaskMeter Meter => meter;

        public CancellationTokenSource Dropped => dropped;

        public Task Work { get; set; } = System.Threading.Tasks.Task.CompletedTask;

        public void Drop()
        {
            try
            {
                dropped.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It ended by itself in this moment.
            }
        }
    }
}
