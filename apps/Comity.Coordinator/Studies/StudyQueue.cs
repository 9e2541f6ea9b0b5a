namespace Comity.Coordinator.Studies;

/// <summary>Lets studies run as far as their sites have room for them, in the order in which they were handed in.</summary>
/// <remarks>
/// A study that waits keeps its turn at each of its sites before those that were handed in later, so one of many sites is not overtaken for ever, and the first that
/// waits waits for running ones only: nothing locks. Studies of other sites go past it.
/// </remarks>
internal sealed class StudyQueue
{
    private readonly Lock _gate = new();
    private readonly List<Turn> _turns = [];

    /// <summary>Waits until each site of a study has room for it. What is returned gives the room back.</summary>
    /// <param name="study">Its id.</param>
    /// <param name="submitted">When it was handed in.</param>
    /// <param name="most">Its sites that work on so many studies at once; others take any number.</param>
    /// <param name="waits">Told once, where it has to wait: the sites without room.</param>
    /// <param name="cancellationToken">It gives up its turn.</param>
    public async Task<IDisposable> EnterAsync(string study, DateTimeOffset submitted, IReadOnlyDictionary<string, int> most, Action<IReadOnlyList<string>> waits, CancellationToken cancellationToken)
    {
        var turn = new Turn(this, study, submitted, most);
        IReadOnlyList<string> full;
        lock (_gate)
        {
            var after = _turns.FindIndex(t => (t.Submitted, t.Study).CompareTo((submitted, study)) > 0);
            _turns.Insert(after < 0 ? _turns.Count : after, turn);
            LetGo();
            full = turn.Full;
        }
        if (!turn.Going.IsCompleted) waits(full);
        try
        {
            await turn.Going.WaitAsync(cancellationToken);
            return turn;
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    private void Leave(Turn turn)
    {
        lock (_gate)
        {
            if (_turns.Remove(turn)) LetGo();
        }
    }

    private void LetGo()
    {
        var taken = new Dictionary<string, int>(StringComparer.Ordinal);
        // Who goes keeps its room, whoever was handed in before it.
        foreach (var turn in _turns.Where(t => t.Going.IsCompleted)) Take(turn);
        foreach (var turn in _turns.Where(t => !t.Going.IsCompleted).ToList())
        {
            turn.Full = [.. turn.Most.Where(m => taken.GetValueOrDefault(m.Key) >= m.Value).Select(m => m.Key).Order(StringComparer.Ordinal)];
            if (turn.Full.Count == 0) turn.Go();
            Take(turn);
        }

        void Take(Turn turn)
        {
            foreach (var site in turn.Most.Keys) taken[site] = taken.GetValueOrDefault(site) + 1;
        }
    }

    private sealed class Turn(StudyQueue queue, string study, DateTimeOffset submitted, IReadOnlyDictionary<string, int> most) : IDisposable
    {
        private readonly TaskCompletionSource _going = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Study => study;

        public DateTimeOffset Submitted => submitted;

        public IReadOnlyDictionary<string, int> Most => most;

        public Task Going => _going.Task;

        public IReadOnlyList<string> Full { get; set; } = [];

        public void Go() => _going.SetResult();

        public void Dispose() => queue.Leave(this);
    }
}
