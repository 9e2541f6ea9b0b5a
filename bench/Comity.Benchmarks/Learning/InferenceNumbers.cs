using Comity.Benchmarks.Rivals;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Learning;

/// <summary>Prediction with probabilities against frozen TorchScript, one thread, in turns.</summary>
internal static class InferenceNumbers
{
    public static int Run(string[] names)
    {
        using var torch = TorchRival.Start();
        Console.WriteLine($"One thread, CPU time, 15 turns each; PyTorch {torch?.Version ?? "missing"}, traced, frozen, optimised for inference.");
        Console.WriteLine();
        Console.WriteLine("| prediction | Comity µs | PyTorch µs | ratio (median) | ratio (best of both) | demand |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var (name, section, input, rows, demand) in new (string, ModelSection, InputShape, int, double)[]
        {
            ("mlp", new MlpSection { Hidden = [128] }, 784, 1, 1.8), ("cnn", TrainingNumbers.Cnn, new ImageInput(1, 28, 28), 1, 1.3),
            ("mlp", new MlpSection { Hidden = [128] }, 784, 256, 0.95), ("cnn", TrainingNumbers.Cnn, new ImageInput(1, 28, 28), 256, 0.95),
        })
        {
            if (names.Length > 0 && !names.Contains(name)) continue;
            var model = ModelFactory.Create(section, input, TaskKind.Multiclass, 10);
            var random = Seed.Of(1).ToRandom();
            float[] parameters = new float[model.Layout.Length], features = new float[rows * input.Length], outputs = new float[rows * 10];
            model.Initialise(parameters, random);
            foreach (ref var x in features.AsSpan()) x = (float)random.NextGaussian();
            var (own, rival) = Turns.Take(() => model.Predict(parameters, features, rows, outputs), rows == 1 ? 20 : 1, torch, $"infer {name} {rows}", 0.1);
            Turns.Row($"{name}, {rows} {(rows == 1 ? "row" : "rows")}", own, rival, 1e6, demand);
        }
        return 0;
    }
}
