using Comity.Transport.Protocol;

namespace Comity.Coordinator.Studies;

/// <summary>What one site is asked to do at the moment, and how far it has come.</summary>
/// <remarks>A task stays open until somebody takes the answer, whoever fetched it in between: a site that was restarted finds it again.</remarks>
internal sealed class SiteDesk(string site, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly OrderedDictionary<string, OpenTask> _open = new(StringComparer.Ordinal);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _made = time.GetTimestamp();
    private long _seen;
    private long _progressed = time.GetTimestamp();
    private readonly Dictionary<string, (long In, long Out)> _bytes = new(StringComparer.Ordinal);

    public string Site => site;

    /// <summary>Opens a task. An earlier one of the same key is abandoned.</summary>
    public void Open(OpenTask task)
    {
        lock (_gate)
        {
            if (_open.Remove(task.Task.Key, out var earlier)) earlier.Abandon();
            if (_open.Count == 0) _progressed = time.GetTimestamp(); // who had nothing to do was not idle
            _open.Add(task.Task.Key, task);
            Signal();
        }
    }

    /// <summary>Closes a task, answered or not.</summary>
    public void Close(OpenTask task)
    {
        lock (_gate)
        {
            if (_open.TryGetValue(task.Task.Key, out var open) && open == task) _open.Remove(task.Task.Key);
        }
        task.Abandon();
    }

    public OpenTask? Find(string key)
    {
        lock (_gate) return _open.GetValueOrDefault(key);
    }

    /// <summary>Open tasks that the site does not work on; waits until there is one.</summary>
    public async Task<IReadOnlyList<SiteTask>> NextAsync(IReadOnlyCollection<string> held, int room, TimeSpan wait, CancellationToken cancellationToken)
    {
        Seen();
        using var over = new CancellationTokenSource(wait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellationToken);
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                var next = _open.Where(t => !held.Contains(t.Key) && !t.Value.Arrived.IsCompleted).Take(room).Select(t => t.Value).ToList();
                if (next.Count > 0)
                {
                    foreach (var task in next) Count(task.Task.Study, 0, task.Task.Bodies.Sum(b => b.Inline is null ? 0 : b.Length));
                    Advance();
                    return [.. next.Select(t => t.Task)];
                }
                changed = _changed.Task;
            }
            try
            {
                await changed.WaitAsync(either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return [];
            }
        }
    }

    /// <summary>Takes a report of progress; returns keys that nobody wants any more.</summary>
    public IReadOnlyList<string> Report(ProgressReport report)
    {
        Seen();
        var dropped = new List<string>();
        lock (_gate)
        {
            foreach (var progress in report.Tasks)
            {
                if (!_open.TryGetValue(progress.Key, out var task))
                {
                    dropped.Add(progress.Key);
                    continue;
                }
                var further = progress.Steps > (task.Progress?.Steps ?? -1);
                task.Progress = progress;
                if (!further) continue;
                Advance();
                task.Progressed(progress);
            }
        }
        return dropped;
    }

    /// <summary>The site got further by moving bytes of a study.</summary>
    public void Moved(string study, long bytesIn, long bytesOut)
    {
        Seen();
        lock (_gate)
        {
            Count(study, bytesIn, bytesOut);
            Advance();
        }
    }

    /// <summary>How long ago the site last called; while it never has, since the coordinator began to look out for it.</summary>
    public TimeSpan SeenAgo => time.GetElapsedTime(Interlocked.Read(ref _seen) is > 0 and var seen ? seen : _made);

    /// <summary>The site as watchers of a study see it.</summary>
    public SiteView View(string study, TimeSpan? patience)
    {
        lock (_gate)
        {
            var tasks = _open.Values.Where(t => t.Task.Study == study).ToList();
            var still = tasks.Count == 0 ? (double?)null : time.GetElapsedTime(_progressed).TotalSeconds;
            var seen = Interlocked.Read(ref _seen);
            return new(site, seen == 0 ? null : time.GetElapsedTime(seen).TotalSeconds, still, still > (patience ?? TimeSpan.FromMinutes(2)).TotalSeconds / 2,
                [.. tasks.Select(t => new SiteTaskView(t.Task.Kind, What(t.Task), Number(t.Task, "round"), t.Progress?.Phase, t.Progress?.Epoch ?? 0, t.Progress?.Epochs ?? 0, t.Progress?.Loss))],
                _bytes.GetValueOrDefault(study).In, _bytes.GetValueOrDefault(study).Out);
        }
    }

    private static string What(SiteTask task)
    {
        foreach (var name in new[] { "model", "step", "candidate", "study" })
        {
            if (task.Content.TryGetProperty(name, out var value)) return value.ToString();
        }
        return "";
    }

    private static int Number(SiteTask task, string name) => task.Content.TryGetProperty(name, out var value) ? value.GetInt32() : 0;

    private void Count(string study, long bytesIn, long bytesOut)
    {
        var (before, sent) = _bytes.GetValueOrDefault(study);
        _bytes[study] = (before + bytesIn, sent + bytesOut);
    }

    private void Seen() => Interlocked.Exchange(ref _seen, time.GetTimestamp());

    // A site that gets on with one task gets on: the others wait for their turn there.
    private void Advance()
    {
        _progressed = time.GetTimestamp();
        foreach (var task in _open.Values) task.Progressed(null);
    }

    private void Signal()
    {
        _changed.TrySetResult();
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
