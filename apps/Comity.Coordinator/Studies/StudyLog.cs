using System.Globalization;
using Comity.Federation.Runs;
using Comity.Transport.Protocol;

namespace Comity.Coordinator.Studies;

/// <summary>What happened to a study in this life of the process, for watchers: the last events, numbered.</summary>
internal sealed class StudyLog(TimeProvider time) : IProgress<StudyEvent>
{
    private const int Most = 2000;
    private readonly Lock _gate = new();
    private readonly Queue<StudyEventView> _events = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _number;

    /// <summary>Hears of everything but the numbers of training: for the log of the coordinator's own people.</summary>
    public Action<string, IReadOnlyList<string>, StudyEvent.RoundDone?>? Heard { get; init; }

    public void Add(string code, params string[] arguments)
    {
        Watched(code, arguments);
        Heard?.Invoke(code, arguments, null);
    }

    private void Watched(string code, params string[] arguments)
    {
        lock (_gate)
        {
            _events.Enqueue(new(++_number, time.GetUtcNow(), code, arguments));
            if (_events.Count > Most) _events.Dequeue();
            _changed.TrySetResult();
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Events after a number; waits for one.</summary>
    public async Task<IReadOnlyList<StudyEventView>> AfterAsync(long number, TimeSpan wait, CancellationToken cancellationToken)
    {
        using var over = new CancellationTokenSource(wait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellationToken);
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                // A number of an earlier life is beyond all of these: the watcher begins anew.
                var from = number > _number ? 0 : number;
                var events = _events.Where(e => e.Number > from).ToList();
                if (events.Count > 0 || wait <= TimeSpan.Zero) return events;
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

    public void Report(StudyEvent value)
    {
        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
        static string Loss(double loss) => double.IsNaN(loss) ? "-" : loss.ToString("0.0000", CultureInfo.InvariantCulture); // masks hide it
        // The mean over sites hides each; of one site it would be that site's loss, which its owner may not show (policy: showLoss).
        switch (value)
        {
            case StudyEvent.Planned e: Add("planned", Text(e.Trials.Count)); break;
            case StudyEvent.StatisticsAgreed e: Add("statistics-agreed", Text(e.Repeat + 1), e.Step); break;
            case StudyEvent.TrialStarted e: Add("trial-started", e.Model, Text(e.Repeat + 1), Text(e.RoundsDone), Text(e.Rounds)); break;
            case StudyEvent.RoundDone e: Watched("round-done", e.Model, Text(e.Repeat + 1), Text(e.Round), Text(e.Rounds), e.Contributed > 1 ? Loss(e.Loss) : "-", Text(e.Contributed), Text(e.Rejected), Text(e.Missing)); Heard?.Invoke("round-done", [], e); break;
            case StudyEvent.TrialFinished e: Add("trial-finished", e.Model, Text(e.Repeat + 1)); break;
            case StudyEvent.Evaluated e: Add("evaluated", e.Model, Text(e.Repeat + 1), Text(e.Done), Text(e.Total)); break;
            case StudyEvent.Compared e: Add("compared", e.Candidate, Text(e.Repeat + 1), Text(e.Done), Text(e.Total)); break;
            default: break; // epochs stand with their sites
        }
    }
}
