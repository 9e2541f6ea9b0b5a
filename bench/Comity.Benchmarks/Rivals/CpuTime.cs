using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Comity.Benchmarks.Rivals;

/// <summary>CPU time of this thread: on a shared machine it is what ratios of rivals can be judged by.</summary>
internal static partial class CpuTime
{
    private const int ThreadCpuTime = 3; // CLOCK_THREAD_CPUTIME_ID

    /// <summary>Seconds.</summary>
    public static double OfThread()
    {
        if (!OperatingSystem.IsLinux()) return Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;
        _ = GetTime(ThreadCpuTime, out var time);
        return time.Seconds + time.Nanoseconds * 1e-9;
    }

    /// <summary>CPU seconds for one call, over calls that last about so long.</summary>
    public static double Of(Action call, double seconds, int callsAtOnce = 1)
    {
        var watch = Stopwatch.StartNew();
        var start = OfThread();
        var calls = 0;
        do
        {
            for (var i = 0; i < callsAtOnce; i++) call();
            calls += callsAtOnce;
        }
        while (watch.Elapsed.TotalSeconds < seconds);
        return (OfThread() - start) / calls;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out TimeSpec time);

    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
