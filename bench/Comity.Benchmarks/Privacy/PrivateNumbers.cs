using System.Globalization;
using System.Runtime.CompilerServices;
using Comity.Benchmarks.Learning;
using Comity.Benchmarks.Rivals;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Private;
using Comity.Privacy.Noise;
using Comity.Tensors.Memory;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Privacy;

/// <summary>What differential privacy of records adds to a training step: Poisson sampling, norms, clipping and noise, beside the plain step on as many rows, in turns, one thread.</summary>
internal static class PrivateNumbers
{
    private const int Turns = 15, Lot = 256;

    private sealed record Work(string Name, InputShape Input, ModelSection Model, int Lots, double MostTime, double MostMemory, TaskKind Task = TaskKind.Multiclass);

    private static readonly Work[] Works =
    [
        new("MLP 784-128-10", 784, new MlpSection { Hidden = [128] }, 64, 1.8, 1.5),
        new("MLP 784-128-10, layer norm", 784, new MlpSection { Hidden = [128], Norm = Normalization.Layer }, 64, 1.8, 1.5),
        new("LeNet-5 (two 5 × 5 convolutions, 6 and 16 channels)", new ImageInput(1, 28, 28), LeNet, 8, double.PositiveInfinity, 1.5),
        new("CNN (two 3 × 3 convolutions, 32 and 64 channels)", new ImageInput(1, 28, 28), TrainingNumbers.Cnn, 4, double.PositiveInfinity, 1.5),
        new("encoder, 10 classes (2 × 64, 32 tokens of 8,000)", Words, Bert, 2, double.PositiveInfinity, 1.5),
        new("encoder, hidden tokens, tied (2 × 64, 32 tokens of 8,000)", Words, Bert, 2, double.PositiveInfinity, 1.5, TaskKind.MaskedToken),
        new("decoder, next token, tied (2 × 64, 32 tokens of 1,000)", Text, Gpt, 2, double.PositiveInfinity, 1.5, TaskKind.NextToken),
        new("lstm, 10 classes (64, 32 tokens of 1,000)", Text, new LstmSection { Hidden = [64], Embedding = 64 }, 4, double.PositiveInfinity, 1.5),
    ];

    // LeCun et al. 1998
    private static CnnSection LeNet => new()
    {
        Layers =
        [
            new ConvLayerSection { Channels = 6, Kernel = 5 }, new MaxPoolLayerSection(), new ConvLayerSection { Channels = 16, Kernel = 5, Padding = 0 }, new MaxPoolLayerSection(),
            new DenseLayerSection { Units = 120 }, new DenseLayerSection { Units = 84 },
        ],
    };

    private static TokenInput Text => new(32, 1000);

    private static TokenInput Words => new(32, 8000);

    private static TransformerSection Bert => new() { Style = TransformerStyle.Encoder, Width = 64, Segments = 2 };

    private static TransformerSection Gpt => new() { Style = TransformerStyle.Decoder, Width = 64, Positions = TransformerPositions.Rotary, Norm = TransformerNorm.Rms, Unit = TransformerUnit.Swiglu };

    public static int Run(string[] names)
    {
        var culture = CultureInfo.InvariantCulture;
        Console.WriteLine(string.Create(culture, $"One thread, CPU time, {Turns} turns each, SGD, expected lot {Lot}; noise and sampling from AES-CTR included."));
        Console.WriteLine();
        Console.WriteLine("| step | plain µs | private µs | ratio (median) | memory plain KiB | memory private KiB | ratio | demand |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        var failed = 0;
        foreach (var work in Works)
        {
            if (names.Length > 0 && !names.Any(n => work.Name.Contains(n, StringComparison.OrdinalIgnoreCase))) continue;
            if (!Measure(work)) failed++;
        }
        return failed == 0 ? 0 : 1;
    }

    /// <summary>An epoch of private steps of MLP 784-128-10, and its steps.</summary>
    internal static (Action Epoch, int Lots) PerceptronEpoch() => (Prepare(Works[0], isPrivate: true).Epoch, Works[0].Lots);

    // A method of its own: what one row holds is gone when the next one's memory is counted.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Measure(Work work)
    {
        var culture = CultureInfo.InvariantCulture;
        var (plain, plainBytes) = Prepare(work, isPrivate: false);
        var (guarded, privateBytes) = Prepare(work, isPrivate: true);
        _ = CpuTime.Of(plain, 0.3);
        _ = CpuTime.Of(guarded, 0.3);
        List<double> first = [], second = [];
        for (var turn = 0; turn < Turns; turn++)
        {
            first.Add(CpuTime.Of(plain, 0.1) / work.Lots);
            second.Add(CpuTime.Of(guarded, 0.1) / work.Lots);
        }
        var ratio = first.Zip(second, (a, b) => b / a).Order().ElementAt(Turns / 2);
        var demand = string.Create(culture, $"{(double.IsInfinity(work.MostTime) ? "" : $"≤ {work.MostTime}, ")}≤ {work.MostMemory}");
        Console.WriteLine(string.Create(culture, $"| {work.Name} | {1e6 * first.Order().ElementAt(Turns / 2):F0} | {1e6 * second.Order().ElementAt(Turns / 2):F0} | {ratio:F2} | {plainBytes / 1024} | {privateBytes / 1024} | {(double)privateBytes / plainBytes:F2} | {demand} |"));
        GC.KeepAlive(plain);
        return ratio <= work.MostTime && privateBytes <= work.MostMemory * plainBytes;
    }

    private static (Action Epoch, long Bytes) Prepare(Work work, bool isPrivate)
    {
        var (count, width, random) = (work.Lots * Lot, work.Input.Length, Seed.Of(1).For("rows").ToRandom());
        var (features, labels) = (new float[count * width], new float[count]);
        // Of texts one in four tokens is among the first ten, so that some are repeated, and one row in two is padded.
        for (var i = 0; i < features.Length; i++)
        {
            if (work.Input is not TokenInput text) features[i] = (float)random.NextGaussian();
            else features[i] = i / width % 2 == 1 && i % width >= width / 2 ? TokenInput.Padding : TokenInput.First + random.NextInt32(random.NextInt32(4) == 0 ? 10 : text.Vocabulary - TokenInput.First);
        }
        foreach (ref var y in labels.AsSpan()) y = random.NextInt32(10);
        var data = new Dataset(features, labels, width);
        Scratch.Forget(); // what kernels work in counts as well
        GC.Collect();
        GC.WaitForPendingFinalizers(); // of the step before this one
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var model = ModelFactory.Create(work.Model, work.Input, work.Task, work.Task == TaskKind.Multiclass ? 10 : 0);
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
