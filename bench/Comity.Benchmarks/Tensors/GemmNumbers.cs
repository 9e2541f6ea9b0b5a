using System.Globalization;
using Comity.Benchmarks.Rivals;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;

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
        if (names.Length == 0 || names.Contains("bytes")) ProductsOfBytes();
        return 0;
    }

    // Unsigned by signed bytes against our own floats of the same shape, in turns: with the bytes packed at each call, as the floats are, and with weights that were packed once.
    private static unsafe void ProductsOfBytes()
    {
        Console.WriteLine();
        Console.WriteLine("| u8 × s8, m = n = k | float32 GFlop/s | bytes Gop/s | ratio (median) | ratio (best of both) | packed once, Gop/s | ratio (median) | ratio (best of both) | demand |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        var kernels = KernelSet.Best;
        foreach (var n in new[] { 512, 1024 })
        {
            float[] x = new float[n * n], y = new float[n * n], z = new float[n * n];
            x.AsSpan().Fill(0.5f);
            y.AsSpan().Fill(0.25f);
            var a = GC.AllocateArray<byte>(n * n, pinned: true);
            var b = GC.AllocateArray<sbyte>(n * n, pinned: true);
            var c = GC.AllocateArray<int>(n * n, pinned: true);
            var sums = GC.AllocateArray<int>(n, pinned: true);
            for (var i = 0; i < a.Length; i++) (a[i], b[i]) = ((byte)(7 * i), (sbyte)(i % 129 - 64));
            var panels = new AlignedBuffer((int)(kernels.BytePanels(n, n) / sizeof(float)));
            fixed (sbyte* pb = b)
            {
                fixed (int* ps = sums) kernels.PackBytes(n, n, pb, (sbyte*)panels.Pointer, ps);
            }
            void Floats() => kernels.Multiply(false, false, n, n, n, x, y, z);
            void Whole() => kernels.Multiply(n, n, n, a, b, c);
            void Packed()
            {
                fixed (byte* pa = a)
                {
                    fixed (int* ps = sums, pc = c) kernels.MultiplyBytes(n, n, n, pa, (sbyte*)panels.Pointer, ps, pc);
                }
            }
            foreach (var work in new[] { Floats, Whole, (Action)Packed }) _ = CpuTime.Of(work, 0.3);
            List<double> floats = [], whole = [], packed = [];
            for (var turn = 0; turn < 15; turn++)
            {
                floats.Add(CpuTime.Of(Floats, 0.06));
                whole.Add(CpuTime.Of(Whole, 0.06));
                packed.Add(CpuTime.Of(Packed, 0.06));
            }
            var operations = 2e-9 * n * n * n;
            double Speed(List<double> times) => operations / times.Order().ElementAt(7);
            double Ratio(List<double> times) => floats.Zip(times, (f, t) => f / t).Order().ElementAt(7);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {n} | {Speed(floats):F1} | {Speed(whole):F1} | {Ratio(whole):F2} | {floats.Min() / whole.Min():F2} | {Speed(packed):F1} | {Ratio(packed):F2} | {floats.Min() / packed.Min():F2} | ≥ 1.9 |"));
        }
    }
}
