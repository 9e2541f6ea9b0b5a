using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Comity.Benchmarks.Serving;

/// <summary>What wrk (Debian's package) measured.</summary>
/// <param name="PerSecond">Requests a second.</param>
/// <param name="P99Milliseconds">99th percentile of the latency.</param>
/// <param name="Requests">Requests in all.</param>
/// <param name="Failed">Answers that were not 2xx or 3xx, and errors of the connection.</param>
/// <param name="Output">All that it printed.</param>
internal sealed partial record Wrk(double PerSecond, double P99Milliseconds, long Requests, long Failed, string Output)
{
    public static Wrk Run(string url, string script, int connections, double seconds)
    {
        var start = new ProcessStartInfo("wrk") { RedirectStandardOutput = true };
        foreach (var argument in new[] { "-t1", $"-c{connections}", $"-d{seconds.ToString("0", CultureInfo.InvariantCulture)}s", "--latency", "-s", script, url }) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        double Number(Regex pattern) => pattern.Match(output) is { Success: true } m ? double.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
        var p99 = P99().Match(output);
        var unit = p99.Groups[2].Value switch { "us" => 1e-3, "s" => 1e3, _ => 1.0 };
        var errors = Errors().Match(output) is { Success: true } e ? Enumerable.Range(1, 4).Sum(i => long.Parse(e.Groups[i].Value, CultureInfo.InvariantCulture)) : 0;
        return new Wrk(Number(Rate()), p99.Success ? double.Parse(p99.Groups[1].Value, CultureInfo.InvariantCulture) * unit : double.NaN, (long)Number(Total()), (long)Number(Refused()) + errors, output);
    }

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"99%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex P99();

    [GeneratedRegex(@"(\d+) requests in")]
    private static partial Regex Total();

    [GeneratedRegex(@"Non-2xx or 3xx responses: (\d+)")]
    private static partial Regex Refused();

    [GeneratedRegex(@"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")]
    private static partial Regex Errors();
}
