namespace Comity.Federation.Runs;

/// <summary>What a run tells while it goes on.</summary>
public abstract record StudyEvent
{
    private StudyEvent() { }

    /// <summary>The trials that will run, known before the first one starts.</summary>
    public sealed record Planned(IReadOnlyList<PlannedTrial> Trials) : StudyEvent;

    /// <summary>A step of the shared statistics is agreed.</summary>
    public sealed record StatisticsAgreed(int Repeat, string Step, int Steps) : StudyEvent;

    /// <summary>It is decided whether the rounds of a federation are divided among workers.</summary>
    /// <param name="Model">The federation's model.</param>
    /// <param name="WholeBecause">Null: they are. Else why one worker trains it whole: <c>private</c>, <c>masked</c>, <c>short</c> or <c>mostly-transfer</c>.</param>
    public sealed record RoundsDivided(string Model, string? WholeBecause) : StudyEvent;

    /// <summary>A trial starts, or goes on after <paramref name="RoundsDone"/> rounds.</summary>
    public sealed record TrialStarted(string Model, int Repeat, string Arm, int Rounds, int RoundsDone) : StudyEvent;

    /// <summary>An epoch of a model trained at one place is done.</summary>
    public sealed record EpochDone(string Model, int Repeat, int Epoch, int Epochs, double Loss) : StudyEvent;

    /// <summary>A round is done and durable.</summary>
    public sealed record RoundDone(string Model, int Repeat, int Round, int Rounds, double Loss, int Contributed, int Rejected, int Missing) : StudyEvent;

    /// <summary>A trial is done and durable; <paramref name="Resumed"/>: by an earlier process.</summary>
    public sealed record TrialFinished(string Model, int Repeat, string Arm, double Seconds, bool Resumed) : StudyEvent;

    /// <summary>A model has been judged at all its places.</summary>
    public sealed record Evaluated(string Model, int Repeat, int Done, int Total) : StudyEvent;

    /// <summary>A candidate has been compared with the sites' own models.</summary>
    public sealed record Compared(string Candidate, int Repeat, int Done, int Total) : StudyEvent;
}

/// <summary>A trial to be run.</summary>
/// <param name="Model">Model id.</param>
/// <param name="Repeat">Repeat, from 0.</param>
/// <param name="Arm">Arm.</param>
/// <param name="Rounds">Rounds; 0: trained at one place.</param>
/// <param name="LocalEpochs">Epochs in each round; 0: as the training section says.</param>
/// <param name="Sites">Sites that train.</param>
public sealed record PlannedTrial(string Model, int Repeat, string Arm, int Rounds, int LocalEpochs, int Sites);
