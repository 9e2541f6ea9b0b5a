namespace Comity.Coordinator.Hosting;

/// <summary>A disk without room. Whoever calls is told to wait; the operator, who can make room, reads it in the log.</summary>
internal sealed class FullDisk(string folder, TimeProvider time)
{
    /// <summary>The code of the refusal.</summary>
    public const string Code = "coordinator-disk-full";

    private static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);
    private readonly Lock _gate = new();
    private long? _told;

    /// <summary>Says it in the log, at most once a minute: every site calls again and again.</summary>
    public void Tell(ILogger log)
    {
        lock (_gate)
        {
            if (_told is { } told && time.GetElapsedTime(told) < TellEvery) return;
            _told = time.GetTimestamp();
        }
        LogLines.DiskFull(log, folder);
    }
}
