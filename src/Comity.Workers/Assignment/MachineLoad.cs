using System.Globalization;

namespace Comity.Workers.Assignment;

/// <summary>How much of this machine others leave to this process, from the time that processors were busy and the time that this process used.</summary>
/// <remarks>Reads <c>/proc/stat</c>; where there is none, the machine counts as this process's own.</remarks>
internal sealed class MachineLoad(TimeProvider time)
{
    private const string Statistics = "/proc/stat";
    private const double TicksPerSecond = 100; // USER_HZ, which Linux shows to programs on all architectures

    private long _at = time.GetTimestamp();
    private double _busy = Busy();
    private double _own = Environment.CpuUsage.TotalTime.TotalSeconds;

    /// <summary>Share of the processors that others left free since this was last asked, from 0 to 1.</summary>
    public double FreeShare { get; private set; } = 1;

    /// <summary>Processor seconds that this process used since this was last asked.</summary>
    public double OwnSeconds { get; private set; }

    /// <summary>Looks again.</summary>
    public void Look()
    {
        var (at, busy, own) = (time.GetTimestamp(), Busy(), Environment.CpuUsage.TotalTime.TotalSeconds);
        var seconds = time.GetElapsedTime(_at, at).TotalSeconds;
        OwnSeconds = own - _own;
        if (seconds > 0.2 && !double.IsNaN(busy)) FreeShare = ShareOf(busy - _busy, OwnSeconds, seconds, Environment.ProcessorCount);
        (_at, _busy, _own) = (at, busy, own);
    }

    /// <summary>The share that others left.</summary>
    /// <param name="busy">Seconds that processors were busy, all together.</param>
    /// <param name="own">Of these, the process's own.</param>
    /// <param name="seconds">How long was looked.</param>
    /// <param name="processors">How many there are.</param>
    public static double ShareOf(double busy, double own, double seconds, int processors) => Math.Clamp(1 - (Math.Max(0, busy - own) / (seconds * processors)), 0, 1);

    private static double Busy()
    {
        if (!File.Exists(Statistics)) return double.NaN;
        try
        {
            // cpu  user nice system idle iowait irq softirq steal guest …; guest is in user already.
            var fields = File.ReadLines(Statistics).First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(f => double.Parse(f, CultureInfo.InvariantCulture)).ToList();
            return (fields.Sum() - fields[3] - fields[4]) / TicksPerSecond;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or InvalidOperationException)
        {
            return double.NaN;
        }
    }
}
