namespace Comity.Workers.Stores;

/// <summary>What becomes of an order: <c>waiting ─► running ─► done ─► taken</c>, or <c>dead</c>, or <c>stopped</c>.</summary>
internal static class TrialStates
{
    public const string Waiting = "waiting";

    /// <summary>A worker holds a lease.</summary>
    public const string Running = "running";

    /// <summary>What came of it lies in the store.</summary>
    public const string Done = "done";

    /// <summary>The run has it.</summary>
    public const string Taken = "taken";

    /// <summary>It failed as often as it was delivered at most.</summary>
    public const string Dead = "dead";

    /// <summary>It can't be trained anywhere: training diverged, or a round missed its quorum.</summary>
    public const string Stopped = "stopped";
}

/// <summary>An order that nobody has begun with.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Cost">How much work it is.</param>
/// <param name="Slots">Site calls that can be made at the same time.</param>
internal sealed record WaitingTrial(string Id, double Cost, int Slots);

/// <summary>A worker as others see it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Machine">Where it runs.</param>
/// <param name="VectorBits">How wide it computes.</param>
/// <param name="Slots">Site calls that it makes at the same time.</param>
/// <param name="Speed">Cost that one slot does in a second on the idle machine, as measured; null: not yet.</param>
/// <param name="FreeShare">Share of the machine's processors that others leave it, from 0 to 1.</param>
internal sealed record WorkerState(string Name, string Machine, int VectorBits, int Slots, double? Speed, double FreeShare);

/// <summary>An order that a worker holds a lease on.</summary>
/// <param name="Run">The run.</param>
/// <param name="Order">What to train.</param>
/// <param name="Fence">Number of the lease: each has a higher one than those before.</param>
/// <param name="Lease">How long it lasts unless it is renewed.</param>
/// <param name="Delivery">The how-many-eth delivery it is, from 1.</param>
internal sealed record LeasedTrial(string Run, Federation.Trials.TrialOrder Order, long Fence, TimeSpan Lease, int Delivery);

/// <summary>Where an order stands.</summary>
/// <param name="Id">Its name.</param>
/// <param name="State">One of <see cref="TrialStates"/>.</param>
/// <param name="Fence">Number of its last lease.</param>
/// <param name="Worker">Who held that.</param>
/// <param name="Deliveries">How often it was delivered.</param>
/// <param name="Problem">What went wrong last; null: nothing.</param>
internal sealed record TrialStand(string Id, string State, long Fence, string Worker, int Deliveries, Transport.Protocol.ToldProblem? Problem);
