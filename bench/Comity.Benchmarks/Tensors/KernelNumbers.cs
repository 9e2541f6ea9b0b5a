using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Comity.Benchmarks.Learning;
using Comity.Benchmarks.Rivals;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;
using Comity.Tensors.Threading;

namespace Comity.Benchmarks.Tensors;

/// <summary>Elementary functions, convolutions, sums of updates and threads.</summary>
internal static class KernelNumbers
{
    public static int Run(string[] names)
    {
        using var torch = TorchRival.Start();
        Console.WriteLine($"Width {KernelSet.Best.Width}, one thread, CPU time, 15 turns each; PyTorch {torch?.Version ?? "missing"}.");
        Console.WriteLine();
        Console.WriteLine("| kernel | Comity µs | rival µs | ratio (median) | ratio (best of both) | demand |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var (name, demand) in new[] { ("exp", 1.3), ("sigmoid", 1.3), ("tanh", 4.0) })
        {
            if (names.Length > 0 && !names.Contains(name)) continue;
            var (own, rival) = Turns.Take(FunctionPass(name), 1, torch, $"function {name} 100000", 0.05);
            Turns.Row($"{name} of 100 000 values, on the tape", own, rival, 1e6, demand);
        }
        foreach (var (layout, demand) in new[] { ("default", 1.05), ("channels-last", 0.85) })
        {
            if (names.Length > 0 && !names.Contains("conv")) continue;
            var (own, rival) = Turns.Take(ConvolutionPass(), 1, torch, $"conv 64 {layout}", 0.3);
            Turns.Row($"conv 3 × 3, 32→64, 28 × 28, batch 64, both ways, against {layout}", own, rival, 1e6, demand);
        }
        if (names.Length == 0 || names.Contains("sum")) Sum();
        if (names.Length == 0 || names.Contains("threads")) Threads();
        return 0;
    }

    private static Action FunctionPass(string name)
    {
        var tape = new Tape(new ParameterLayout([new("x", [100_000], 0)]));
        AlignedBuffer x = new(100_000), gradient = new(100_000);
        var random = Seed.Of(1).ToRandom();
        foreach (ref var value in x.Span) value = 10 * random.NextSingle() - 5;
        return () =>
        {
            tape.Begin(x, gradient);
            _ = name == "exp" ? tape.Exp(tape.Parameter(0)) : tape.Activate(tape.Parameter(0), name == "tanh" ? Activation.Tanh : Activation.Sigmoid);
        };
    }

    private static Action ConvolutionPass()
    {
        var builder = new ParameterLayoutBuilder();
        builder.Add("x", ParameterRole.Weight, 64, 28, 28, 32);
        builder.Add("weight", ParameterRole.Weight, 64, 32, 3, 3);
        builder.Add("bias", ParameterRole.Bias, 64);
        builder.Add("g", ParameterRole.Weight, 64, 28, 28, 64);
        var layout = builder.Build();
        AlignedBuffer parameters = new(layout.Length), gradient = new(layout.Length);
        var random = Seed.Of(1).ToRandom();
        foreach (ref var value in parameters.Span) value = random.NextSingle() - 0.5f;
        var tape = new Tape(layout);
        var window = ConvolutionWindow.Square(padding: 1);
        // The product with g stands in for the gradient that the rival is given; it only adds to our side.
        return () =>
        {
            tape.Begin(parameters, gradient);
            tape.Backward(tape.Sum(tape.Multiply(tape.Convolution(tape.Parameter(0), tape.Parameter(1), tape.Parameter(2), window), tape.Parameter(3))));
        };
    }

    // Bytes moved in a second, against a triad a = b + s·c that writes past the caches as well.
    private static unsafe void Sum()
    {
        const int Length = 10_000_000;
        // Written once, for memory that never was is one page of zeros.
        float[] Filled(int i)
        {
            var vector = new float[Length];
            vector.AsSpan().Fill(i);
            return vector;
        }
        var vectors = Enumerable.Range(0, 8).Select(i => new ReadOnlyMemory<float>(Filled(i))).ToArray();
        float[] weights = [1, 2, 3, 4, 5, 6, 7, 8], target = Filled(0);
        // The system's memory as it comes, like the vectors': no large pages.
        float* Aligned(float value)
        {
            var memory = (float*)NativeMemory.AlignedAlloc(Length * sizeof(float), 64);
            new Span<float>(memory, Length).Fill(value);
            return memory;
        }
        float* a = Aligned(1), b = Aligned(2), c = Aligned(3);
        void Triad()
        {
            var s = Vector256.Create(3f);
            for (nint i = 0; i < Length; i += 8) Vector256.FusedMultiplyAdd(s, Vector256.Load(c + i), Vector256.Load(b + i)).StoreAlignedNonTemporal(a + i);
        }
        List<double> own = [], triad = [];
        for (var turn = 0; turn < 15; turn++)
        {
            own.Add(CpuTime.Of(() => KernelSet.Best.WeightedSum(weights, vectors, target), 0.1) / 9);
            triad.Add(CpuTime.Of(Triad, 0.1) / 3);
        }
        Turns.Row("weighted sum of 8 updates of 10 M against a non-temporal triad, by vector moved", [.. own], [.. triad], 1e6, 0.75);
        foreach (var memory in new[] { (nint)a, (nint)b, (nint)c }) NativeMemory.AlignedFree((void*)memory);
    }

    // Wall time, best of all turns: where two cores are free for a moment, the best shows it.
    private static void Threads()
    {
        Console.WriteLine();
        Console.WriteLine("| two threads over one, wall time, best of 40 | one ms | two ms | ratio | demand |");
        Console.WriteLine("|---|---|---|---|---|");
        using var team = new Team(2);
        float[] a = new float[1 << 20], c = new float[1 << 20];
        a.AsSpan().Fill(0.5f);
        Row("GEMM 1024³", kernels => () => kernels.Multiply(false, false, 1024, 1024, 1024, a, a, c));
        Row("CNN step, batch 64, Adam", kernels =>
        {
            var model = ModelFactory.Create(TrainingNumbers.Cnn, new ImageInput(1, 28, 28), TaskKind.Multiclass, 10, kernels);
            var parameters = new float[model.Layout.Length];
            model.Initialise(parameters, Seed.Of(1).ToRandom());
            var data = new Dataset(new float[64 * 784], new float[64], 784);
            var trainer = new Trainer(model, new TrainingSection { Batch = 64 });
            return () => trainer.Train(parameters, data, null, new TrainerRequest { Seed = Seed.Of(1), Epochs = 1 });
        });
        Row("GPT-nano step, batch 16, Adam", kernels =>
        {
            var section = new TransformerSection { Style = TransformerStyle.Decoder, Layers = 6, Width = 192, Heads = 6 };
            var model = ModelFactory.Create(section, new TokenInput(129, 256), TaskKind.NextToken, 0, kernels);
            var parameters = new float[model.Layout.Length];
            model.Initialise(parameters, Seed.Of(1).ToRandom());
            var tokens = new float[16 * 129];
            tokens.AsSpan().Fill(5);
            var data = new Dataset(tokens, new float[16], 129);
            var trainer = new Trainer(model, new TrainingSection { Batch = 16 });
            return () => trainer.Train(parameters, data, null, new TrainerRequest { Seed = Seed.Of(1), Epochs = 1 });
        });
        void Row(string name, Func<KernelSet, Action> work)
        {
            Action one = work(KernelSet.Best), two = work(KernelSet.Best.With(team));
            double best1 = double.MaxValue, best2 = double.MaxValue;
            for (var turn = 0; turn < 43; turn++)
            {
                double first = Wall(one), second = Wall(two);
                if (turn > 2) (best1, best2) = (Math.Min(best1, first), Math.Min(best2, second));
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {1e3 * best1:F1} | {1e3 * best2:F1} | {best1 / best2:F2} | ≥ 1.7 |"));
        }
    }

    private static double Wall(Action work)
    {
        var start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
