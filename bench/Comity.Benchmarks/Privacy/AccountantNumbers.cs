using System.Globalization;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;

namespace Comity.Benchmarks.Privacy;

/// <summary>How long it takes to say what a training cost, and to find its noise.</summary>
internal static class AccountantNumbers
{
    private const double Delta = 1e-5;

    private static readonly (double Rate, double Noise, int Steps)[] Trainings = [(0.01, 1, 5000), (0.01, 2, 5000), (256 / 60000.0, 1.1, 14062), (0.2, 4, 100_000)];

    public static int Run(string[] names)
    {
        _ = names;
        IPrivacyAccountant losses = new PldAccountant(NeighbouringRelation.AddOrRemoveOne), renyi = new RdpAccountant(NeighbouringRelation.AddOrRemoveOne);
        Console.WriteLine("| rate q | noise | steps | ε (pld) | pld, CPU s: best, median of 15 | demand | ε (rdp) | rdp, CPU s: median | noise from ε by pld, CPU s |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        var failed = 0;
        foreach (var (rate, noise, steps) in Trainings)
        {
            PrivacyEvent Training(double z) => new PoissonSampledEvent(rate, new GaussianEvent(z)).Times(steps);
            var (epsilon, bound) = (losses.Epsilon(Training(noise), Delta), renyi.Epsilon(Training(noise), Delta));
            var (byLosses, byRenyi) = (Seconds(15, () => losses.Epsilon(Training(noise), Delta)), Seconds(15, () => renyi.Epsilon(Training(noise), Delta)));
            var inverse = Seconds(1, () => NoiseCalibration.NoiseMultiplier(losses, Training, epsilon, Delta, 1e-3));
            var demanded = rate == 0.01;
            if (demanded && byLosses[7] >= 0.5) failed++;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {rate:0.#######} | {noise} | {steps} | {epsilon:F4} | {byLosses[0]:F3}, {byLosses[7]:F3} | {(demanded ? "< 0.5" : "–")} | {bound:F4} | {byRenyi[7]:F3} | {inverse[0]:F2} |"));
        }
        return failed == 0 ? 0 : 1;
    }

    private static double[] Seconds(int turns, Action work)
    {
        var seconds = new double[turns];
        for (var turn = 0; turn < turns; turn++)
        {
            var before = Environment.CpuUsage.TotalTime;
            work();
            seconds[turn] = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        }
        Array.Sort(seconds);
        return seconds;
    }
}
