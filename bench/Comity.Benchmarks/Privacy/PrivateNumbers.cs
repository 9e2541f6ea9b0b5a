using System.Globalization;
using Comity.Benchmarks.Rivals;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Private;
using Comity.Privacy.Noise;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Privacy;

/// <summary>What differential privacy of records adds to a training step: Poisson sampling, norms, clipping and noise, beside the plain step on as many rows, in turns, one thread.</summary>
internal static class PrivateNumbers
{
    private const int Turns = 15, Lots = 64, Lot = 256;

    public static int Run(string[] names)
    {
        _ = names;
        var culture = CultureInfo.InvariantCulture;
        Console.WriteLine(string.Create(culture, $"One thread, CPU time, {Turns} turns each, SGD, expected lot {Lot} of {Lots * Lot} rows; noise and sampling from AES-CTR included."));
        Console.WriteLine();
        Console.WriteLine("| step | plain µs | private µs | ratio (median) | memory plain KiB | memory private KiB | ratio | demand |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        var failed = 0;
        foreach (var (name, section) in new (string, MlpSection)[]
        {
            ("MLP 784-128-10", new MlpSection { Hidden = [128] }),
            ("MLP 784-128-10, layer norm", new MlpSection { Hidden = [128], Norm = Normalization.Layer }),
        })
        {
            var (plain, plainBytes) = Prepare(section, isPrivate: false);
            var (guarded, privateBytes) = Prepare(section, isPrivate: true);
            _ = CpuTime.Of(plain, 0.3);
            _ = CpuTime.Of(guarded, 0.3);
            List<double> first = [], second = [];
            for (var turn = 0; turn < Turns; turn++)
            {
                first.Add(CpuTime.Of(plain, 0.1) / Lots);
                second.Add(CpuTime.Of(guarded, 0.1) / Lots);
            }
            var ratio = first.Zip(second, (a, b) => b / a).Order().ElementAt(Turns / 2);
            if (ratio > 1.8 || privateBytes > 1.5 * plainBytes) failed++;
            Console.WriteLine(string.Create(culture, $"| {name} | {1e6 * first.Order().ElementAt(Turns / 2):F0} | {1e6 * second.Order().ElementAt(Turns / 2):F0} | {ratio:F2} | {plainBytes / 1024} | {privateBytes / 1024} | {(double)privateBytes / plainBytes:F2} | ≤ 1.8, ≤ 1.5 |"));
        }
        return failed == 0 ? 0 : 1;
    }

    private static (Action Epoch, long Bytes) Prepare(MlpSection section, bool isPrivate)
    {
        var random = Seed.Of(1).For("rows").ToRandom();
        var (features, labels) = (new float[Lots * Lot * 784], new float[Lots * Lot]);
        foreach (ref var x in features.AsSpan()) x = (float)random.NextGaussian();
        foreach (ref var y in labels.AsSpan()) y = random.NextInt32(10);
        var data = new Dataset(features, labels, 784);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var model = ModelFactory.Create(section, 784, TaskKind.Multiclass, 10);
        var trainer = new Trainer(model, new TrainingSection { Optimizer = new SgdSection { LearningRate = 0.01 }, Batch = Lot });
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, random);
        void Epoch()
        {
            using var noise = NoiseStream.Secure();
            var asked = isPrivate ? new PrivateTraining { ClipNorm = 1, NoiseMultiplier = 1.1, Noise = noise } : null;
            trainer.Train(parameters, data, null, new TrainerRequest { Seed = Seed.Of(1), Epochs = 1, Private = asked });
        }
        Epoch();
        Epoch();
        return (Epoch, GC.GetTotalMemory(forceFullCollection: true) - before);
    }
}
