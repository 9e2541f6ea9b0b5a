using System.Text;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Reference;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Serving.Releases;
using Comity.Tensors.Files;
using Comity.Tensors.Randomness;

namespace Comity.Benchmarks.Serving;

/// <summary>Releases of the sizes that the demands name, with weights from a seed: what a weight is does not change how long it takes.</summary>
internal static class ServingReleases
{
    public static Model Model(int inputs, int classes) => ModelFactory.Create(new MlpSection { Hidden = [128] }, inputs, classes == 2 ? TaskKind.Binary : TaskKind.Multiclass, classes);

    public static string Write(string folder, SigningKey key, string name, string version, int inputs, int classes, ulong seed, ulong? scoresOf = null)
    {
        var columns = Enumerable.Range(0, inputs).Select(i => $"x{i}").ToList();
        var names = Enumerable.Range(0, classes).Select(c => $"class {c}").ToList();
        var preprocessing = new Preprocessing
        {
            TaskName = classes == 2 ? "binary" : "multiclass",
            Classes = names,
            Contract = new ContractSection { Label = new LabelSection { Column = "y", Classes = names }, Features = [.. columns.Select(c => new FeatureSection { Column = c, Kind = FeatureKind.Number })] },
            Columns = [.. columns.Select(c => new FittedColumn { Column = c, Kind = FeatureKind.Number })],
        };
        var model = Model(inputs, classes);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Seed.Of(seed).ToRandom());
        using var weights = new MemoryStream();
        Safetensors.Write(weights, model.Layout, parameters, new Dictionary<string, string> { ["comity.model"] = """{"kind":"mlp","hidden":[128]}""" });
        var random = Seed.Of(1).ToRandom();
        var sample = new ReferenceSample(null, 500, [.. columns.Select(c => ReferenceColumn.OfNumbers(c, Enumerable.Range(0, 500).Select(_ => random.NextGaussian()), 10))], scoresOf is { } of ? Scores(model, of) : null, []);
        var manifest = new ReleaseManifest
        {
            Name = name,
            Version = version,
            Created = DateTimeOffset.UnixEpoch,
            Origin = new ReleaseOrigin("bench", new string('0', 64), 1, "pooled", VectorText(parameters), parameters.Length, 0, "0", "bench", []),
            Task = preprocessing.TaskName,
            Classes = names,
            PrimaryMetric = "accuracy",
            Markets = [],
        };
        var path = Path.Combine(folder, manifest.FileName);
        File.WriteAllBytes(path, Release.Write(manifest, new Dictionary<string, byte[]>
        {
            [Release.WeightsPart] = weights.ToArray(),
            [Release.PreprocessingPart] = Encoding.UTF8.GetBytes(preprocessing.ToJson()),
            [Release.StatisticsPart] = Encoding.UTF8.GetBytes(new ReferenceStatistics { Threshold = 10, Samples = [sample] }.ToJson()),
            [Release.CardPart] = "# bench"u8.ToArray(),
            [Release.ChineseCardPart] = "# bench"u8.ToArray(),
        }, key));
        return path;
    }

    // What the weights of a seed answer to standard normal records.
    private static ReferenceColumn Scores(Model model, ulong seed)
    {
        const int Rows = 5000;
        var (parameters, inputs, outputs) = (new float[model.Layout.Length], new float[Rows * model.Inputs], new float[Rows * model.Outputs]);
        model.Initialise(parameters, Seed.Of(seed).ToRandom());
        var random = Seed.Of(4).ToRandom();
        foreach (ref var value in inputs.AsSpan()) value = (float)random.NextGaussian();
        model.Predict(parameters, inputs, Rows, outputs);
        return ReferenceColumn.OfNumbers("score", Enumerable.Range(0, Rows).Select(r => (double)Comity.Serving.Inference.Score.Of(outputs.AsSpan(r * model.Outputs, model.Outputs))), 10);
    }

    private static string VectorText(float[] parameters) => Comity.Tensors.Parameters.VectorDigest.Sha256(parameters);
}
