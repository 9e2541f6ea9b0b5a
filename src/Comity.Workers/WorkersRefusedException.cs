using Comity.Declarations;

namespace Comity.Workers;

/// <summary>Database or broker can't be used, and a person must do something about it.</summary>
public sealed class WorkersRefusedException(Problem problem, Exception? reason = null) : Exception(problem?.ToString(), reason)
{
    /// <summary>Where, what, and what to do about it. No password stands in it.</summary>
    public Problem Problem { get; } = problem ?? throw new ArgumentNullException(nameof(problem));
}

/// <summary>A worker can't train a run's trials: it lacks study or records, has others, or computes otherwise.</summary>
public sealed class DeclinedException(Problem problem) : Exception(problem?.ToString())
{
    /// <summary>Why.</summary>
    public Problem Problem { get; } = problem ?? throw new ArgumentNullException(nameof(problem));
}
