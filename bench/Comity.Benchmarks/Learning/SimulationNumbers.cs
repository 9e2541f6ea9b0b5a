using System.Diagnostics;
using System.Globalization;
using Comity.Benchmarks.Rivals;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Learning;

/// <summary>A simulated federation of 100 sites against a bare PyTorch loop, and the way from a process' start to its first step.</summary>
internal static class SimulationNumbers
{
    private const int Sites = 100, Rows = 600, Features = 784;

    public static int Run(string[] names)
    {
        if (names is ["first-step"]) return FirstStep();
        using var torch = TorchRival.Start();
        Console.WriteLine($"One thread, CPU time, 15 turns each; PyTorch {torch?.Version ?? "missing"}.");
        Console.WriteLine();
        Console.WriteLine("| simulation | Comity ms | PyTorch ms | ratio (median) | ratio (best of both) | demand |");
        Console.WriteLine("|---|---|---|---|---|---|");
        var (own, rival) = Turns.Take(Client(), 1, torch, $"clients {Sites} 32", 0.3);
        Turns.Row("one client's epoch: 600 rows, MLP 784-128-10, SGD, batch 32, copied in and averaged", own, rival, 1e3, 2.5);
        Start();
        return 0;
    }

    // The global parameters go in, an epoch is trained, the outcome is averaged.
    private static Action Client()
    {
        var random = Seed.Of(1).ToRandom();
        var (features, labels) = (new float[Sites * Rows * Features], new float[Sites * Rows]);
        foreach (ref var x in features.AsSpan()) x = 2 * random.NextSingle() - 1;
        foreach (ref var y in labels.AsSpan()) y = random.NextInt32(10);
        var sites = Enumerable.Range(0, Sites).Select(i => new Dataset(features.AsMemory(i * Rows * Features, Rows * Features), labels.AsMemory(i * Rows, Rows), Features)).ToArray();
        var model = ModelFactory.Create(new MlpSection { Hidden = [128] }, Features, TaskKind.Multiclass, 10);
        var trainer = new Trainer(model, new TrainingSection { Optimizer = new SgdSection { LearningRate = 0.05 }, Batch = 32 });
        float[] global = new float[model.Layout.Length], local = new float[global.Length], sum = new float[global.Length];
        model.Initialise(global, random);
        var (next, round) = (0, 0);
        return () =>
        {
            global.CopyTo(local, 0);
            trainer.Train(local, sites[next], null, new TrainerRequest { Seed = Seed.Of(1).For("site", round, next), Epochs = 1 });
            System.Numerics.Tensors.TensorPrimitives.MultiplyAdd(local, 1f / Sites, sum, sum);
            if (++next < Sites) return;
            (next, round) = (0, round + 1);
            sum.CopyTo(global, 0);
            sum.AsSpan().Clear();
        };
    }

    private static int FirstStep()
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [128] }, 13, TaskKind.Binary, 2);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Seed.Of(1).ToRandom());
        var result = new Trainer(model, new TrainingSection()).Train(parameters, new Dataset(new float[32 * 13], new float[32], 13), null, new TrainerRequest { Seed = Seed.Of(1), Epochs = 1 });
        return result.Steps == 1 ? 0 : 1;
    }

    private static void Start()
    {
        const string Step = "import torch; import torch.nn as nn; import torch.nn.functional as F; torch.set_num_threads(1); net = nn.Sequential(nn.Linear(13, 128), nn.ReLU(), nn.Linear(128, 1)); "
            + "opt = torch.optim.Adam(net.parameters()); F.binary_cross_entropy_with_logits(net(torch.zeros(32, 13)), torch.zeros(32, 1)).backward(); opt.step()";
        List<double> own = [], rival = [];
        for (var turn = 0; turn < 7; turn++)
        {
            own.Add(CpuOf("dotnet", [typeof(SimulationNumbers).Assembly.Location, "simulation", "first-step"]));
            rival.Add(CpuOf("/usr/bin/python3", ["-c", Step]));
        }
        var ratio = own.Zip(rival, (a, b) => b / a).Order().ElementAt(3);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| process start to the first training step, CPU time of the process, 7 turns | {1e3 * own.Order().ElementAt(3):F0} | {1e3 * rival.Order().ElementAt(3):F0} | {ratio:F1} | {rival.Min() / own.Min():F1} | ≥ 8 |"));
    }

    // What the shell's times builtin says of its children: a process that has ended cannot be asked any more.
    private static double CpuOf(string program, string[] arguments)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", "\"$@\" || exit 1; times", "sh", program, .. arguments]) { RedirectStandardOutput = true };
        (start.Environment["OPENBLAS_NUM_THREADS"], start.Environment["OMP_NUM_THREADS"]) = ("1", "1");
        using var process = Process.Start(start)!;
        var times = process.StandardOutput.ReadToEnd().Trim().Split('\n')[^1];
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} ended with {process.ExitCode}.");
        // 0m0.071s 0m0.034s
        return times.Split(' ').Sum(t => 60 * double.Parse(t.Split('m')[0], CultureInfo.InvariantCulture) + double.Parse(t.Split('m')[1].TrimEnd('s'), CultureInfo.InvariantCulture));
    }
}
