using System.Globalization;
using Comity.Benchmarks.Rivals;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Learning;

/// <summary>Training steps of the whole trainer (shuffling, gathering, tape, optimiser) against PyTorch's bare loop over one fixed batch, one thread, in turns.</summary>
internal static class TrainingNumbers
{
    private sealed record Work(string Name, InputShape Input, ModelSection Model, int Outputs, int Batch, string Optimizer, double Demand, string Rival);

    // conv 3 × 3 1→32, pool, conv 3 × 3 32→64, pool, dense 128, dense 10
    internal static readonly CnnSection Cnn = new()
    {
        Layers = [new ConvLayerSection { Channels = 32 }, new MaxPoolLayerSection(), new ConvLayerSection { Channels = 64 }, new MaxPoolLayerSection(), new DenseLayerSection { Units = 128 }],
    };

    private static readonly Work[] Works =
    [
        Mlp(13, 128, 1, 32, "sgd", 10),
        Mlp(13, 128, 1, 32, "adam", 10),
        Mlp(784, 128, 10, 128, "adam", 1.6),
        Mlp(784, 128, 10, 128, "sgd", 1),
        new("CNN, batch 64, Adam, against the default layout", new ImageInput(1, 28, 28), Cnn, 10, 64, "adam", 1.5, "cnn 64 default"),
        new("CNN, batch 64, Adam, against channels_last", new ImageInput(1, 28, 28), Cnn, 10, 64, "adam", 1.2, "cnn 64 channels-last"),
    ];

    private static Work Mlp(int inputs, int hidden, int outputs, int batch, string optimizer, double demand) =>
        new($"MLP {inputs}-{hidden}-{outputs}, batch {batch}, {(optimizer == "sgd" ? "SGD" : "Adam")}", inputs, new MlpSection { Hidden = [hidden] }, outputs, batch, optimizer, demand, $"mlp {inputs} {hidden} {outputs} {batch} {optimizer}");

    public static int Run(string[] names)
    {
        using var torch = TorchRival.Start();
        var culture = CultureInfo.InvariantCulture;
        Console.WriteLine($"One thread, CPU time, 15 turns each; PyTorch {torch?.Version ?? "missing"}.");
        Console.WriteLine();
        Console.WriteLine("| training step | Comity µs | PyTorch µs | ratio (median) | ratio (best of both) | demand |");
        Console.WriteLine("|---|---|---|---|---|---|");
        var failed = 0;
        foreach (var work in Works)
        {
            if (names.Length > 0 && !names.Any(n => work.Name.Contains(n, StringComparison.OrdinalIgnoreCase))) continue;
            var (epoch, steps) = Prepare(work);
            torch?.Make("w", work.Rival);
            _ = CpuTime.Of(epoch, 0.5);
            _ = torch?.Measure("w", 0.3);
            List<double> own = [], rival = [];
            for (var turn = 0; turn < 15; turn++)
            {
                own.Add(CpuTime.Of(epoch, 0.15) / steps);
                rival.Add(torch?.Measure("w", 0.15) ?? double.NaN);
            }
            var median = own.Zip(rival, (a, b) => b / a).Order().ElementAt(7);
            var best = rival.Min() / own.Min();
            if (median < work.Demand) failed++;
            Console.WriteLine(string.Create(culture, $"| {work.Name} | {1e6 * own.Order().ElementAt(7):F1} | {1e6 * rival.Order().ElementAt(7):F1} | {median:F1} | {best:F1} | ≥ {work.Demand} |"));
        }
        if (names.Length == 0 || names.Contains("site")) SmallSite();
        return failed == 0 ? 0 : 1;
    }

    // What a simulation of many sites pays for each of their rounds: two steps, and all that surrounds them.
    private static void SmallSite()
    {
        var (round, _) = Prepare(Mlp(13, 128, 1, 32, "adam", 0), rows: 60);
        _ = CpuTime.Of(round, 0.5);
        var seconds = Enumerable.Range(0, 15).Select(_ => CpuTime.Of(round, 0.1)).Order().ElementAt(7);
        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"One call of the trainer for a site of 60 rows and one epoch (two steps) of MLP 13-128-1: {1e6 * seconds:F1} µs."));
    }

    private static (Action Epoch, int Steps) Prepare(Work work, int? rows = null)
    {
        var batches = work.Model is CnnSection ? 4 : 64;
        var random = Seed.Of(1).For(work.Name).ToRandom();
        var count = rows ?? batches * work.Batch;
        var (features, labels) = (new float[count * work.Input.Length], new float[count]);
        foreach (ref var x in features.AsSpan()) x = (float)random.NextGaussian();
        foreach (ref var y in labels.AsSpan()) y = random.NextInt32(Math.Max(2, work.Outputs));
        var data = new Dataset(features, labels, work.Input.Length);
        var task = work.Outputs == 1 ? TaskKind.Binary : TaskKind.Multiclass;
        var model = ModelFactory.Create(work.Model, work.Input, task, Math.Max(2, work.Outputs));
        OptimizerSection optimizer = work.Optimizer == "sgd" ? new SgdSection { LearningRate = 0.01 } : new AdamSection();
        var trainer = new Trainer(model, new TrainingSection { Optimizer = optimizer, Batch = work.Batch });
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, random);
        var request = new TrainerRequest { Seed = Seed.Of(1), Epochs = 1 };
        return (() => trainer.Train(parameters, data, null, request), batches);
    }
}
