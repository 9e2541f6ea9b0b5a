using System.Diagnostics;
using System.Globalization;
using System.Text;
using Comity.Learning;
using Comity.Learning.Evaluation;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Learning;

/// <summary>What it costs to judge one model on one site's rows, all metrics with their intervals.</summary>
/// <remarks>A study judges hundreds of such cells. <c>dotnet run -c Release --project bench/Comity.Benchmarks -- evaluation</c>.</remarks>
internal static class EvaluationNumbers
{
    private static readonly string[] NoYes = ["no", "yes"];

    public static int Run(string[] args)
    {
        var section = new EvaluationSection();
        var table = new StringBuilder("| rows | judge, 19 metrics (ms) | compare two models (ms) | allocated by judging (KiB) |\n|---:|---:|---:|---:|\n");
        foreach (var rows in new[] { 20, 100, 300, 5_000, 50_000 })
        {
            var random = Seed.Of(1).For("evaluation", rows).ToRandom();
            var labels = new float[rows];
            float[] first = new float[2 * rows], second = new float[2 * rows];
            for (var i = 0; i < rows; i++)
            {
                labels[i] = random.NextInt32(2);
                (first[2 * i + 1], second[2 * i + 1]) = (random.NextSingle(), random.NextSingle());
                (first[2 * i], second[2 * i]) = (1 - first[2 * i + 1], 1 - second[2 * i + 1]);
            }
            var (judge, allocated) = Best(() => Evaluator.Evaluate(TaskKind.Binary, NoYes, labels, first, section, Seed.Of(1)));
            var (compare, _) = Best(() => PairedComparison.Compare(TaskKind.Binary, NoYes, labels, first, second, section, Seed.Of(1)));
            table.AppendLine(CultureInfo.InvariantCulture, $"| {rows:N0} | {judge:F2} | {compare:F2} | {allocated / 1024.0:F0} |");
        }
        Console.WriteLine(table);
        return 0;
    }

    /// <summary>The best of many runs, in milliseconds: the machine's other work only ever adds.</summary>
    private static (double Milliseconds, long Bytes) Best(Action work)
    {
        var clock = Stopwatch.StartNew();
        var (best, bytes) = (double.PositiveInfinity, 0L);
        for (var run = 0; run < 5 || clock.Elapsed.TotalSeconds < 1; run++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var start = Stopwatch.GetTimestamp();
            work();
            var took = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            best = Math.Min(best, took);
        }
        return (best, bytes);
    }
}
