using Comity.Declarations;

namespace Comity.Workers;

/// <summary>What a worker is and may do.</summary>
public sealed record WorkerOptions
{
    /// <summary>Its name, which no other worker has.</summary>
    public required string Name { get; init; }

    /// <summary>The machine.</summary>
    public required string Machine { get; init; }

    /// <summary>Site calls that it makes at the same time.</summary>
    public required int Slots { get; init; }

    /// <summary>Vector width that it computes with.</summary>
    public required int VectorBits { get; init; }

    /// <summary>Processor architecture.</summary>
    public required string Architecture { get; init; }

    /// <summary>Version of Comity.</summary>
    public required string Version { get; init; }

    /// <summary>Folder for what is under way.</summary>
    public required string Scratch { get; init; }

    /// <summary>Opens a run's study here.</summary>
    public required OpenStudy Open { get; init; }

    /// <summary>Told what happens, from several threads.</summary>
    public required Action<WorkerEvent> Tell { get; init; }

    /// <summary>Processor time that training has used so far: while it grows, leases are renewed.</summary>
    public Func<TimeSpan> Computed { get; init; } = static () => Environment.CpuUsage.TotalTime;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>What a worker tells while it works.</summary>
public abstract record WorkerEvent
{
    private WorkerEvent() { }

    /// <summary>It begins with an order; <paramref name="Delivery"/> above 1: others failed.</summary>
    public sealed record Begun(string Order, int Delivery) : WorkerEvent;

    /// <summary>What came of an order is handed over.</summary>
    public sealed record Finished(string Order, TimeSpan Took) : WorkerEvent;

    /// <summary>An order failed.</summary>
    public sealed record Failed(string Order, Problem Problem) : WorkerEvent;

    /// <summary>Another has the order by now: what came of it here does not count.</summary>
    public sealed record LeaseLost(string Order) : WorkerEvent;

    /// <summary>The worker ends, and another may begin with the order.</summary>
    public sealed record GivenBack(string Order) : WorkerEvent;

    /// <summary>It takes nothing of a study.</summary>
    public sealed record Declined(string Study, Problem Problem) : WorkerEvent;

    /// <summary>Database or broker went away.</summary>
    public sealed record Disconnected(string Reason) : WorkerEvent;

    /// <summary>Both are there again.</summary>
    public sealed record Reconnected : WorkerEvent;
}
