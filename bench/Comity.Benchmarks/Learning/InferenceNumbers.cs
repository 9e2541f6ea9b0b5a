using System.Globalization;
using Comity.Benchmarks.Rivals;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Tensors;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Learning;

/// <summary>Prediction with probabilities against frozen TorchScript and ONNX Runtime, one thread, in turns.</summary>
internal static class InferenceNumbers
{
    private const int Count = 15;
    private const double Seconds = 0.1;

    public static int Run(string[] names)
    {
        using var torch = TorchRival.Start();
        using var onnx = torch is null ? null : TorchRival.StartOnnx();
        Console.WriteLine(
            $"One thread, CPU time, {Count} turns each; PyTorch {torch?.Version ?? "missing"}, traced, frozen, optimised for inference; ONNX Runtime {onnx?.Version ?? "missing"} by its package for Node.");
        Console.WriteLine();
        Console.WriteLine("| prediction | weights | Comity µs | TorchScript µs | ONNX Runtime µs | ratio to the better (median) | ratio (best of all) | demand |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (var (name, section, input, rows, storage, demand) in new (string, ModelSection, InputShape, int, FloatStorage, double)[]
        {
            ("mlp", new MlpSection { Hidden = [128] }, 784, 1, FloatStorage.Float32, 1.8), ("mlp", new MlpSection { Hidden = [128] }, 784, 1, FloatStorage.Bfloat16, 2.5),
            ("cnn", TrainingNumbers.Cnn, new ImageInput(1, 28, 28), 1, FloatStorage.Float32, 1.3),
            ("mlp", new MlpSection { Hidden = [128] }, 784, 256, FloatStorage.Float32, 0.95), ("cnn", TrainingNumbers.Cnn, new ImageInput(1, 28, 28), 256, FloatStorage.Float32, 0.95),
        })
        {
            if (names.Length > 0 && !names.Contains(name)) continue;
            var model = ModelFactory.Create(section, input, TaskKind.Multiclass, 10);
            var random = Seed.Of(1).ToRandom();
            float[] parameters = new float[model.Layout.Length], features = new float[rows * input.Length], outputs = new float[rows * 10];
            model.Initialise(parameters, random);
            foreach (ref var x in features.AsSpan()) x = (float)random.NextGaussian();
            var stored = new StoredModel(model, parameters, storage);
            Prepare(torch, onnx, name, rows);
            Measure($"{name}, {rows} {(rows == 1 ? "row" : "rows")}", storage, () => stored.Predict(features, rows, outputs), rows == 1 ? 20 : 1, torch, onnx, demand);
        }
        return 0;
    }

    private static void Prepare(TorchRival? torch, TorchRival? onnx, string name, int rows)
    {
        torch?.Make("w", $"infer {name} {rows}");
        if (onnx is null) return;
        var folder = Directory.CreateTempSubdirectory("comity-onnx-");
        var file = Path.Combine(folder.FullName, "model.onnx");
        torch!.Make("x", $"onnx {name} {rows} {file}");
        onnx.Make("w", $"{file} {(name == "cnn" ? $"{rows},1,28,28" : $"{rows},784")}");
        folder.Delete(recursive: true);
    }

    private static void Measure(string name, FloatStorage storage, Action own, int callsAtOnce, TorchRival? torch, TorchRival? onnx, double demand)
    {
        double[] mine = new double[Count], script = new double[Count], runtime = new double[Count];
        for (var turn = -1; turn < Count; turn++)
        {
            // The first turn warms all of them up.
            var (seconds, at) = turn < 0 ? (3 * Seconds, 0) : (Seconds, turn);
            mine[at] = CpuTime.Of(own, seconds, callsAtOnce);
            script[at] = torch?.Measure("w", seconds) ?? double.PositiveInfinity;
            runtime[at] = onnx?.Measure("w", seconds) ?? double.PositiveInfinity;
        }
        var better = script.Zip(runtime, Math.Min).ToArray();
        var ratio = better.Zip(mine, (rival, ours) => rival / ours).Order().ElementAt(Count / 2);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {storage.ToString().ToLowerInvariant()} | {Median(mine):F1} | {Median(script):F1} | {Median(runtime):F1} | {ratio:F2} | {better.Min() / mine.Min():F2} | ≥ {demand} |"));
    }

    private static double Median(double[] seconds) => 1e6 * seconds.Order().ElementAt(Count / 2);
}
