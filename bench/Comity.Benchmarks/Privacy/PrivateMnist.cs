using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Private;
using Comity.Learning.Training.Schedules;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;
using Comity.Privacy.Mechanisms;
using Comity.Privacy.Noise;
using Comity.Tensors;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Privacy;

/// <summary>MNIST with differential privacy of records: what a small network learns at an ε, by PLD, mean of three seeds. Needs <c>COMITY_DATA</c>.</summary>
/// <remarks>
/// The network of Papernot et al. 2020 (arXiv:2007.14191, Table 1): two convolutions with tanh and overlapping pooling, 26,010 parameters; at ε = 3 a linear
/// model on features that need no data (<see cref="Scattering"/>), 39,700 parameters. <c>validate</c> trains on
/// the first 50,000 images and judges on the other 10,000 of the training file, for choosing settings; otherwise the test file is judged.
/// </remarks>
internal static class PrivateMnist
{
    private const double Delta = 1e-5;
    private const int Seeds = 3, Pixels = 784;

    private sealed record Setting(double Epsilon, double Demand, bool Scattered, int Lot, int Epochs, double Rate, double Clip);

    private static readonly Setting[] Settings = [new(1.2, 0.95, false, 1024, 20, 2, 0.1), new(2.4, 0.965, false, 2048, 40, 4, 0.1), new(3, 0.98, true, 4096, 20, 8, 0.1)];

    private static CnnSection Network => new()
    {
        Activation = Activation.Tanh,
        Layers =
        [
            new ConvLayerSection { Channels = 16, Kernel = 8, Stride = 2, Padding = 3 }, new MaxPoolLayerSection { Stride = 1 },
            new ConvLayerSection { Channels = 32, Kernel = 4, Stride = 2, Padding = 0 }, new MaxPoolLayerSection { Stride = 1 },
            new DenseLayerSection { Units = 32 },
        ],
    };

    public static int Run(string[] arguments)
    {
        var culture = CultureInfo.InvariantCulture;
        var validate = arguments.Contains("validate");
        double Given(string key, double absent) => arguments.FirstOrDefault(a => a.StartsWith(key + "=", StringComparison.Ordinal)) is { } given ? double.Parse(given[(key.Length + 1)..], culture) : absent;
        double[] Several(string key, double absent) => arguments.FirstOrDefault(a => a.StartsWith(key + "=", StringComparison.Ordinal)) is { } given ? [.. given[(key.Length + 1)..].Split(',').Select(v => double.Parse(v, culture))] : [absent];
        var (training, judged) = Load(validate);
        var network = ModelFactory.Create(Network, new ImageInput(1, 28, 28), TaskKind.Multiclass, 10);
        var linear = ModelFactory.Create(new SoftmaxSection(), Scattering.Features, TaskKind.Multiclass, 10);
        Console.WriteLine(string.Create(culture, $"{training.Rows} images to learn from, {judged.Rows} {(validate ? "held back from them" : "test images")}, δ = {Delta}, SGD with momentum 0.9."));
        Console.WriteLine();
        Console.WriteLine("| ε | model | lot | epochs | learning rate | clip | noise multiplier | accuracy by seed | mean | demand |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
        var failed = 0;
        foreach (var declared in Settings.Where(s => Given("epsilon", s.Epsilon) == s.Epsilon))
        {
            var (model, learnt, shown) = declared.Scattered ? (linear, Scattered(training), Scattered(judged)) : (network, training, judged);
            foreach (var setting in from l in Several("lot", declared.Lot) from e in Several("epochs", declared.Epochs) from r in Several("rate", declared.Rate) select declared with { Lot = (int)l, Epochs = (int)e, Rate = r, Clip = Given("clip", declared.Clip) })
            {
                var (rate, steps) = (PrivateGradientDescent.RateOf(setting.Lot, training.Rows), (long)setting.Epochs * PrivateGradientDescent.StepsOf(setting.Lot, training.Rows));
                var noise = NoiseCalibration.NoiseMultiplier(new PldAccountant(NeighbouringRelation.AddOrRemoveOne), z => new PrivateGradientDescent(rate, setting.Clip, z, steps).Event, setting.Epsilon, Delta, 1e-3);
                var accuracies = Enumerable.Range(1, (int)Given("seeds", Seeds)).Select(seed => Accuracy(model, learnt, shown, setting, noise, seed)).ToArray();
                if (accuracies.Average() < setting.Demand) failed++;
                Console.WriteLine(string.Create(culture, $"| {setting.Epsilon} | {(setting.Scattered ? "linear on scattering" : "CNN")}, {model.Layout.Length} | {setting.Lot} | {setting.Epochs} | {setting.Rate} | {setting.Clip} | {noise:F3} | {string.Join(", ", accuracies.Select(a => a.ToString("F4", culture)))} | {accuracies.Average():F4} | ≥ {setting.Demand} |"));
            }
        }
        return failed == 0 ? 0 : 1;
    }

    private static Dataset Scattered(Dataset images) => new(Scattering.Of(images.Features.ToArray()), images.Labels, Scattering.Features);

    private static double Accuracy(Model model, Dataset training, Dataset judged, Setting setting, double noise, int seed)
    {
        var stream = Seed.Of((ulong)seed);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, stream.For("weights").ToRandom());
        var section = new TrainingSection
        {
            Optimizer = new MomentumSection { LearningRate = setting.Rate, Momentum = 0.9 }, Batch = setting.Lot, Epochs = setting.Epochs, Schedule = new CosineScheduleSection(),
        };
        using var draws = NoiseStream.Repeatable(SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"mnist {setting.Epsilon} {seed}"))));
        new Trainer(model, section).Train(parameters, training, null, new TrainerRequest
        {
            Seed = stream, Private = new PrivateTraining { ClipNorm = setting.Clip, NoiseMultiplier = noise, Noise = draws },
            Progress = p => Console.Error.Write(FormattableString.Invariant($"\rε {setting.Epsilon}, seed {seed}, epoch {p.Epoch}/{p.Epochs}  ")),
        });
        var outputs = new float[judged.Rows * 10];
        model.Predict(parameters, judged, outputs);
        var labels = judged.Labels.Span;
        var right = 0;
        for (var i = 0; i < judged.Rows; i++)
        {
            var row = outputs.AsSpan(i * 10, 10);
            if (row.IndexOf(System.Numerics.Tensors.TensorPrimitives.Max<float>(row)) == (int)labels[i]) right++;
        }
        return (double)right / judged.Rows;
    }

    private static (Dataset Training, Dataset Judged) Load(bool validate)
    {
        var folder = Environment.GetEnvironmentVariable("COMITY_DATA") ?? throw new InvalidOperationException("COMITY_DATA, the folder of data sets, is not set.");
        var (images, labels) = Read(Path.Combine(folder, "mnist", "train"));
        if (!validate) return (Rows(images, labels, 0, labels.Length), Test());
        return (Rows(images, labels, 0, 50_000), Rows(images, labels, 50_000, labels.Length));

        Dataset Test()
        {
            var (testImages, testLabels) = Read(Path.Combine(folder, "mnist", "t10k"));
            return Rows(testImages, testLabels, 0, testLabels.Length);
        }
    }

    private static Dataset Rows(byte[] images, byte[] labels, int from, int to)
    {
        // The mean and deviation of MNIST's pixels, as everybody takes them: they are known without these records.
        var features = new float[(to - from) * Pixels];
        for (var i = 0; i < features.Length; i++) features[i] = ((images[from * Pixels + i] / 255f) - 0.1307f) / 0.3081f;
        return new Dataset(features, labels[from..to].Select(l => (float)l).ToArray(), Pixels);
    }

    private static (byte[] Images, byte[] Labels) Read(string prefix) => (Idx(prefix + "-images-idx3-ubyte.gz"), Idx(prefix + "-labels-idx1-ubyte.gz"));

    // Values behind the header: four bytes, and four for each dimension.
    private static byte[] Idx(string path)
    {
        using var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var whole = new MemoryStream();
        file.CopyTo(whole);
        var bytes = whole.ToArray();
        return bytes[(4 + 4 * (BinaryPrimitives.ReadInt32BigEndian(bytes) & 0xFF))..];
    }
}
