using System.Globalization;
using Comity.Benchmarks.Rivals;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Learning;

/// <summary>Training steps of recurrent layers and transformers, the whole trainer against PyTorch's bare loop over one fixed batch, one thread, in turns.</summary>
internal static class SequenceNumbers
{
    private sealed record Work(string Name, ModelSection Model, InputShape Input, TaskKind Task, int Batch, string[] Rivals, double Demand);

    private static readonly Work[] Works =
    [
        new("LSTM 32-128, 50 steps, batch 32", new LstmSection { Hidden = [128] }, new SeriesInput(50, 32), TaskKind.Regression, 32, ["lstm 32 128 50 32"], 1.5),
        new("BERT-tiny: encoder, 2 layers, width 128, 2 heads, 64 tokens of 8192, batch 32",
            new TransformerSection { Style = TransformerStyle.Encoder, Layers = 2, Width = 128, Heads = 2 }, new TokenInput(64, 8192), TaskKind.Multiclass, 32,
            ["encoder 2 128 2 64 8192 32 modules", "encoder 2 128 2 64 8192 32 products"], 1.3),
        new("GPT-nano: decoder, 6 layers, width 192, 6 heads, 128 tokens of 256, batch 16",
            new TransformerSection { Style = TransformerStyle.Decoder, Layers = 6, Width = 192, Heads = 6 }, new TokenInput(129, 256), TaskKind.NextToken, 16,
            ["decoder 6 192 6 128 256 16 modules", "decoder 6 192 6 128 256 16 products"], 1.2),
    ];

    public static int Run(string[] names)
    {
        const int Turns = 9;
        using var torch = TorchRival.Start();
        Console.WriteLine($"One thread, CPU time, {Turns} turns each; PyTorch {torch?.Version ?? "missing"}, the faster of its ways.");
        Console.WriteLine();
        Console.WriteLine("| training step | Comity ms | PyTorch ms | ratio (median) | ratio (best of both) | demand | bytes allocated by a step |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        var failed = 0;
        foreach (var work in Works)
        {
            if (names.Length > 0 && !names.Any(n => work.Name.Contains(n, StringComparison.OrdinalIgnoreCase))) continue;
            var few = Prepare(work, 2);
            var many = Prepare(work, 6);
            for (var i = 0; i < work.Rivals.Length; i++) torch?.Make($"w{i}", work.Rivals[i]);
            for (var i = 0; i < 3; i++) few();
            for (var i = 0; i < 3; i++) many();
            // The order of the rows is as long as there are rows, of which an int each is no step's.
            var allocated = (Least(many) - Least(few)) / 4.0 - sizeof(int) * work.Batch;
            List<double> own = [], rival = [];
            for (var turn = 0; turn < Turns; turn++)
            {
                own.Add(CpuTime.Of(many, 0.5) / 6);
                rival.Add(torch is null ? double.NaN : Enumerable.Range(0, work.Rivals.Length).Min(i => torch.Measure($"w{i}", 0.3)));
            }
            var median = own.Zip(rival, (a, b) => b / a).Order().ElementAt(Turns / 2);
            if (median < work.Demand) failed++;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {work.Name} | {1e3 * own.Order().ElementAt(Turns / 2):F2} | {1e3 * rival.Order().ElementAt(Turns / 2):F2} | {median:F2} | {rival.Min() / own.Min():F2} | ≥ {work.Demand} | {allocated:F0} |"));
        }
        return failed == 0 ? 0 : 1;
    }

    private static long Least(Action run) => Enumerable.Range(0, 5).Min(_ =>
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        run();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    });

    private static Action Prepare(Work work, int batches)
    {
        var random = Seed.Of(1).For(work.Name).ToRandom();
        var rows = batches * work.Batch;
        var (features, labels) = (new float[rows * work.Input.Length], new float[rows]);
        foreach (ref var x in features.AsSpan()) x = work.Input is TokenInput tokens ? 4 + random.NextInt32(tokens.Vocabulary - 4) : (float)random.NextGaussian();
        foreach (ref var y in labels.AsSpan()) y = work.Task == TaskKind.Multiclass ? random.NextInt32(2) : (float)random.NextGaussian();
        var model = ModelFactory.Create(work.Model, work.Input, work.Task, work.Task == TaskKind.Multiclass ? 2 : 0);
        var trainer = new Trainer(model, new TrainingSection { Optimizer = new AdamSection(), Batch = work.Batch });
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, random);
        var data = new Dataset(features, labels, work.Input.Length);
        var request = new TrainerRequest { Seed = Seed.Of(1), Epochs = 1 };
        return () => trainer.Train(parameters, data, null, request);
    }
}
