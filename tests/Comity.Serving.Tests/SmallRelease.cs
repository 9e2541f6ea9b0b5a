using System.Text;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Reference;
using Comity.Learning;
using Comity.Learning.Models;
using Comity.Serving.Inference;
using Comity.Serving.Releases;
using Comity.Tensors.Files;
using Comity.Tensors.Randomness;

namespace Comity.Serving.Tests;

/// <summary>A real, small release made without training: weights drawn from a seed, so that two versions answer differently.</summary>
internal static class SmallRelease
{
    public static Preprocessing Preprocessing { get; } = new()
    {
        TaskName = "binary",
        Classes = ["healthy", "ill"],
        Contract = new ContractSection
        {
            Label = new LabelSection { Column = "ill", Positive = LabelRule.Parse("> 0"), Names = ["healthy", "ill"] },
            Features =
            [
                new FeatureSection { Column = "age", Kind = FeatureKind.Number, Range = new ValueRange(18, 120), Unit = "years" },
                new FeatureSection { Column = "dose", Kind = FeatureKind.Number },
                new FeatureSection { Column = "ward", Kind = FeatureKind.Category, Values = ["a", "b", "c"] },
            ],
            Sensitive = [new SensitiveSection { Column = "sex" }, new SensitiveSection { Column = "age", Cuts = [40, 65] }],
        },
        Columns =
        [
            new FittedColumn { Column = "age", Kind = FeatureKind.Number, Fill = 50, Center = 50, Scale = 12 },
            new FittedColumn { Column = "dose", Kind = FeatureKind.Number, Fill = 2, Center = 2, Scale = 1 },
            new FittedColumn { Column = "ward", Kind = FeatureKind.Category, Levels = ["a", "b", "c"] },
        ],
    };

    /// <summary>Training records of the seed's law: age N(50, 12), dose N(2, 1), wards alike.</summary>
    public static IEnumerable<(double Age, double Dose, int Ward)> Records(string stream, int rows, double shift = 0)
    {
        var random = Seed.Of(9).For("records", stream).ToRandom();
        for (var i = 0; i < rows; i++) yield return (50 + (12 * random.NextGaussian()), 2 + shift + random.NextGaussian(), random.NextInt32(3));
    }

    public static ReferenceStatistics Statistics(int rows = 2000)
    {
        var records = Records("training", rows).ToArray();
        var ward = ReferenceColumn.OfLevels("ward", FeatureKind.Category, ["a", "b", "c"], [.. Enumerable.Range(0, 3).Select(w => records.Count(r => r.Ward == w))], 0, 10);
        var sample = new ReferenceSample(
            null, rows, [ReferenceColumn.OfNumbers("age", records.Select(r => r.Age), 10), ReferenceColumn.OfNumbers("dose", records.Select(r => r.Dose), 10), ward], null, [rows / 2, rows / 2]);
        return new ReferenceStatistics { Threshold = 10, Samples = [sample] };
    }

    public static byte[] Bytes(SigningKey key, string version = "1.0.0", ulong seed = 1, string name = "ward")
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [8] }, Preprocessing.InputWidth, TaskKind.Binary, 2);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Seed.Of(seed).ToRandom());
        using var weights = new MemoryStream();
        Safetensors.Write(weights, model.Layout, parameters, new Dictionary<string, string> { ["comity.model"] = """{"kind":"mlp","hidden":[8]}""" });
        var manifest = Releases.Sample.Manifest with
        {
            Name = name,
            Version = version,
            Classes = ["healthy", "ill"],
            Markets = [new("hu", "HU", "Hungary", 400, new Dictionary<string, ReleaseMetric> { ["accuracy"] = new(0.85, 0.81, 0.88), ["rocAuc"] = new(0.9, 0.87, 0.93) })],
        };
        return Pack(key, manifest, weights, Preprocessing, Statistics());
    }

    /// <summary>A release of these parts.</summary>
    public static byte[] Pack(SigningKey key, ReleaseManifest manifest, MemoryStream weights, Preprocessing preprocessing, ReferenceStatistics statistics)
    {
        return Release.Write(manifest, new Dictionary<string, byte[]>
        {
            [Release.WeightsPart] = weights.ToArray(),
            [Release.PreprocessingPart] = Encoding.UTF8.GetBytes(preprocessing.ToJson()),
            [Release.StatisticsPart] = Encoding.UTF8.GetBytes(statistics.ToJson()),
            [Release.CardPart] = "# card"u8.ToArray(),
            [Release.ChineseCardPart] = "# 模型卡"u8.ToArray(),
        }, key);
    }

    public static Release Read(SigningKey key, string version = "1.0.0", ulong seed = 1) => Releases.Sample.Read(Bytes(key, version, seed), Releases.Sample.Trusting(key));

    public static ServedModel Model(string version = "1.0.0", ulong seed = 1)
    {
        using var key = SigningKey.Create();
        return ServedModel.Load(Read(key, version, seed));
    }
}
