using System.Globalization;

namespace Comity.Benchmarks.Rivals;

/// <summary>Two rivals in turns, so that both see the same machine: median and best of both.</summary>
internal static class Turns
{
    private const int Count = 15;

    /// <summary>Seconds of CPU time for one call of ours and of the rival's, turn by turn.</summary>
    public static (double[] Own, double[] Rival) Take(Action own, int callsAtOnce, TorchRival? rival, string workload, double seconds)
    {
        rival?.Make("w", workload);
        _ = CpuTime.Of(own, 3 * seconds, callsAtOnce);
        _ = rival?.Measure("w", 2 * seconds);
        double[] mine = new double[Count], theirs = new double[Count];
        for (var turn = 0; turn < Count; turn++) (mine[turn], theirs[turn]) = (CpuTime.Of(own, seconds, callsAtOnce), rival?.Measure("w", seconds) ?? double.NaN);
        return (mine, theirs);
    }

    /// <summary>Prints a row: both medians, the median of the ratios, the ratio of the best, the demand.</summary>
    public static void Row(string name, double[] own, double[] rival, double unit, double demand)
    {
        var ratio = own.Zip(rival, (a, b) => b / a).Order().ElementAt(Count / 2);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {unit * own.Order().ElementAt(Count / 2):F1} | {unit * rival.Order().ElementAt(Count / 2):F1} | {ratio:F2} | {rival.Min() / own.Min():F2} | ≥ {demand} |"));
    }
}
