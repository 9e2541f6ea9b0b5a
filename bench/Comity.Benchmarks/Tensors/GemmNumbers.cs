using System.Globalization;
using Comity.Benchmarks.Rivals;
using Comity.Tensors.Kernels;

namespace Comity.Benchmarks.Tensors;

/// <summary>Matrix products against OpenBLAS (through PyTorch), one thread, in turns.</summary>
internal static class GemmNumbers
{
    private static readonly (int M, int N, int K, bool Ta, bool Tb, double Demand)[] Shapes =
    [
        (256, 256, 256, false, false, 0.95), (512, 512, 512, false, false, 0.95), (1024, 1024, 1024, false, false, 0.95), (2048, 2048, 2048, false, false, 0.95),
        (128, 128, 784, false, false, 0.90), (784, 128, 128, true, false, 0.90), (128, 784, 128, false, true, 0.90), (512, 512, 512, true, true, 0.90),
        (32, 128, 784, false, false, 0.90), (784, 128, 32, true, false, 0.90), (32, 10, 128, false, false, 0.90), (128, 10, 128, false, false, 0.90), (128, 10, 128, true, false, 0.90), (32, 128, 13, false, false, 0.90), (13, 128, 32, true, false, 0.90),
    ];

    public static int Run(string[] names)
    {
        using var torch = TorchRival.Start();
        Console.WriteLine($"Width {KernelSet.Best.Width}, one thread, CPU time, 15 turns each; PyTorch {torch?.Version ?? "missing"} on OpenBLAS.");
        Console.WriteLine();
        Console.WriteLine("| m × n × k | Comity GFlop/s | OpenBLAS GFlop/s | ratio (median) | demand |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (var (m, n, k, ta, tb, demand) in Shapes)
        {
            if (names.Length > 0 && !names.Contains($"{m}x{n}x{k}")) continue;
            float[] a = new float[m * k], b = new float[k * n], c = new float[m * n];
            a.AsSpan().Fill(0.5f);
            b.AsSpan().Fill(0.25f);
            torch?.Make("w", $"gemm {m} {n} {k} {(ta ? 1 : 0)} {(tb ? 1 : 0)}");
            void Own() => KernelSet.Best.Multiply(ta, tb, m, n, k, a, b, c);
            _ = CpuTime.Of(Own, 0.3);
            _ = torch?.Measure("w", 0.1);
            List<double> own = [], rival = [];
            for (var turn = 0; turn < 15; turn++)
            {
                own.Add(CpuTime.Of(Own, 0.06));
                rival.Add(torch?.Measure("w", 0.06) ?? double.NaN);
            }
            var work = 2e-9 * m * n * k;
            var ratio = own.Zip(rival, (x, y) => y / x).Order().ElementAt(7);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {m}{(ta ? "ᵀ" : "")} × {n}{(tb ? "ᵀ" : "")} × {k} | {work / own.Order().ElementAt(7):F1} | {work / rival.Order().ElementAt(7):F1} | {ratio:F2} | ≥ {demand} |"));
        }
        return 0;
    }
}
