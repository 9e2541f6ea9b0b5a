using System.Diagnostics;
using System.Globalization;

namespace Comity.Benchmarks.Study;

/// <summary>One run of the command line tool as a process of its own: wall time, time to the first line, peak memory.</summary>
/// <remarks>Memory is VmHWM of /proc, the kernel's own high-water mark, so it is measured on Linux only.</remarks>
internal sealed record MeasuredRun(int ExitCode, double Seconds, double FirstLineSeconds, double PeakMiB, string Output)
{
    /// <summary>Runs <c>comity</c>, built in this configuration, with the given arguments.</summary>
    public static MeasuredRun Of(params IEnumerable<string> arguments)
    {
        var dll = Path.Combine(AppContext.BaseDirectory, "comity.dll");
        if (!File.Exists(dll)) throw new FileNotFoundException("The command line tool was not built beside the benchmarks.", dll);
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(dll);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);

        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        var first = double.NaN;
        var lines = new List<string>();
        void Take(string? line)
        {
            if (line is null) return;
            lock (lines)
            {
                if (lines.Count == 0) first = clock.Elapsed.TotalSeconds;
                lines.Add(line);
            }
        }
        process.OutputDataReceived += (_, e) => Take(e.Data);
        process.ErrorDataReceived += (_, e) => Take(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var peak = 0.0;
        do
        {
            peak = Math.Max(peak, HighWaterMiB(process.Id));
        }
        while (!process.WaitForExit(20));
        process.WaitForExit();
        return new MeasuredRun(process.ExitCode, clock.Elapsed.TotalSeconds, first, peak, string.Join('\n', lines));
    }

    /// <summary>The run itself, or an exception with its last lines where it failed.</summary>
    public MeasuredRun OrThrow() => ExitCode == 0
        ? this
        : throw new InvalidOperationException($"comity ended with {ExitCode}:\n{string.Join('\n', Output.Split('\n').TakeLast(20))}");

    private static double HighWaterMiB(int process)
    {
        try
        {
            foreach (var line in File.ReadLines($"/proc/{process}/status"))
            {
                if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                    return double.Parse(line.AsSpan(6).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture) / 1024;
            }
        }
        catch (IOException)
        {
            // The process has ended between two looks.
        }
        return 0;
    }
}
