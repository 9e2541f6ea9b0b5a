namespace Comity.Federation.Trials;

/// <summary>How a run divides the rounds of its federations into groups of sites that other processes train (<see cref="Runs.StudyRunInput.TrainedElsewhere"/>). The bits don't depend on it.</summary>
public sealed record RoundDivision
{
    /// <summary>When rounds are divided.</summary>
    public DivisionMode Mode { get; init; } = DivisionMode.Auto;

    /// <summary>Trains some of an order's sites for the time that it takes, and forgets the rest: seconds that one slot needs for a <see cref="TrialOrder.Cost"/> of 1.</summary>
    public required Func<TrialOrder, CancellationToken, Task<double>> Measure { get; init; }

    /// <summary>Processes that are there now to train groups.</summary>
    public required Func<CancellationToken, Task<IReadOnlyList<GroupWorker>>> Workers { get; init; }

    /// <summary>Forgets orders and files whose names begin so: their round is over.</summary>
    public required Func<string, CancellationToken, Task> Forget { get; init; }
}

/// <summary>When a run divides rounds.</summary>
public enum DivisionMode
{
    /// <summary>Where a round, by the time that its first sites took, is worth the transfer.</summary>
    Auto,

    /// <summary>Wherever it is possible.</summary>
    Always,

    /// <summary>Never: a federation is trained whole by one worker.</summary>
    Never,
}

/// <summary>A process that trains groups.</summary>
/// <param name="Slots">Sites that it trains at the same time.</param>
/// <param name="Speed">Cost that one slot does in a second on the idle machine; null: not measured yet.</param>
/// <param name="FreeShare">Share of its machine that others leave it, from 0 to 1.</param>
public readonly record struct GroupWorker(int Slots, double? Speed, double FreeShare);
