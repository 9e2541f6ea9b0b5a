using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Sources;
using Comity.Data.Tables;
using Comity.Declarations;
using Comity.Federation.Studies;
using Comity.Learning;
using Comity.Learning.Evaluation;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;
using Comity.SecureAggregation.FixedPoint;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;
using Comity.Testing;

namespace Comity.Conventions.Tests.Documents;

/// <summary>The snippets of docs/rooms, as bodies of tests: what a page shows has run.</summary>
public sealed class RoomSnippets
{
    [Fact]
    public void Declarations()
    {
        // snippet: docs/rooms/declarations.md
        var problems = new ProblemList();
        var root = DeclaredFile.Parse("noize: 1.5\nclip: -1\n", "privacy.yaml", problems)!;
        SectionReader.Read<NoiseSection>(root, problems);

        Assert.Equal(["misspelt-key", "out-of-range", "missing-key"], problems.Select(p => p.Code)); // all at once
        Assert.Equal("privacy.yaml:1:1 (noize)", problems[0].Place.ToString());
        // end
    }

    // snippet: docs/rooms/declarations.md
    private sealed record NoiseSection
    {
        [Doc("Standard deviation of the noise, in clip norms."), Within(0, 100)]
        public required double Noise { get; init; }

        [Doc("Largest L2 norm of an update."), Within(0, double.PositiveInfinity, AboveLow = true)]
        public double Clip { get; init; } = 1;
    }
    // end

    [Fact]
    public void Tensors()
    {
        // snippet: docs/rooms/tensors.md
        var layout = new ParameterLayout(
        [
            new ParameterEntry("weight", [3, 2], Offset: 0),
            new ParameterEntry("bias", [2], Offset: 6, ParameterRole.Bias),
        ]);
        var parameters = new float[layout.Length];
        layout.Slice(parameters, layout.Entries[1]).Fill(0.5f);

        var seed = Seed.Of(7);
        Assert.Equal(seed.For("shuffle", 3, "cleveland"), seed.For("shuffle", 3, "cleveland"));
        Assert.NotEqual(seed.For("shuffle", 3, "cleveland"), seed.For("shuffle", 3, "hungary"));
        // end
        Assert.Equal([0, 0, 0, 0, 0, 0, 0.5f, 0.5f], parameters);
    }

    [Fact]
    public void Learning_fits()
    {
        // snippet: docs/rooms/learning.md
        var model = ModelFactory.Create(new MlpSection { Hidden = [4] }, input: 2, TaskKind.Binary, classes: 2);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Seed.Of(7).For("weights").ToRandom());

        var rows = new Dataset(new float[] { 0, 0, 0, 1, 1, 0, 1, 1 }, new float[] { 0, 1, 1, 0 }, width: 2); // exclusive or
        var trainer = new Trainer(model, new TrainingSection { Epochs = 50, Batch = 4 });
        var result = trainer.Train(parameters, rows, validation: null, new TrainerRequest { Seed = Seed.Of(7) });

        Assert.Equal(50, result.Epochs);
        Assert.True(result.LossByEpoch[^1] < result.LossByEpoch[0]);
        // end
    }

    [Fact]
    public void Learning()
    {
        // snippet: docs/rooms/learning.md
        float[] labels = [0, 0, 1, 1, 1, 0];
        float[] outputs = [.9f, .1f, .6f, .4f, .2f, .8f, .3f, .7f, .6f, .4f, .7f, .3f]; // rows × classes
        var judged = Evaluator.Evaluate(
            TaskKind.Binary, ["healthy", "ill"], labels, outputs, new EvaluationSection { Bootstrap = 200 }, Seed.Of(7));

        var accuracy = judged.Metrics[MetricNames.Accuracy];
        Assert.Equal(5.0 / 6, accuracy.Value, 12);
        Assert.True(accuracy.Low <= accuracy.Value && accuracy.Value <= accuracy.High);
        Assert.NotEmpty(judged.Warnings); // six rows prove little, and the result says so
        // end
    }

    [Fact]
    public void Federation()
    {
        // snippet: docs/rooms/federation.md
        var problems = new ProblemList();
        var study = StudyReader.Read(Repository.At("examples/heart-disease"), problems);

        Assert.False(problems.HasErrors);
        Assert.Equal(["cleveland", "hungary", "switzerland", "va"], study!.Section.Sites.Select(s => s.Id));
        // end
    }

    [Fact]
    public void Data()
    {
        using var folder = new TempFolder();
        folder.Write("clinic.csv", "age,smoker,ill\n50,yes,1\n62,no,0\n,no,0\n");
        // snippet: docs/rooms/data.md
        var contract = new ContractSection
        {
            Label = new LabelSection { Column = "ill", Positive = LabelRule.Parse("1") },
            Features =
            [
                new FeatureSection { Column = "age", Kind = FeatureKind.Number, Range = new ValueRange(18, 120) },
                new FeatureSection { Column = "smoker", Kind = FeatureKind.Category, Values = ["yes", "no"] },
            ],
        };
        var problems = new ProblemList();
        var table = RecordTable.Load(contract, new CleanSection(), new SourceSection { Csv = "clinic.csv" }, folder.FullPath, "clinic", problems);

        Assert.False(problems.HasErrors);
        Assert.Equal("label-few", Assert.Single(problems).Code); // a warning: three rows are thin evidence
        Assert.Equal(3, table!.Rows);
        Assert.True(table["age"].IsMissing(2)); // an empty cell is a missing value, not a zero
        // end
    }

    [Fact]
    public void Privacy()
    {
        // snippet: docs/rooms/privacy.md
        var released = new PoissonSampledEvent(0.01, new GaussianEvent(noiseMultiplier: 1.1)).Times(1_000);
        var epsilon = new PldAccountant(NeighbouringRelation.AddOrRemoveOne).Epsilon(released, delta: 1e-5);
        var looser = new RdpAccountant(NeighbouringRelation.AddOrRemoveOne).Epsilon(released, delta: 1e-5);

        Assert.InRange(epsilon, 0.1, looser); // the loss distribution is the tighter account
        // end
    }

    [Fact]
    public void SecureAggregation()
    {
        // snippet: docs/rooms/secure-aggregation.md
        var encoding = FixedPointEncoding.Choose(clip: 1, maximalWeight: 300, sites: 2, resolution: 1e-4);
        var home = encoding.Encode([0.25f, -0.5f], weight: 100);
        var abroad = encoding.Encode([0.75f, 0.5f], weight: 300);
        var sum = home.Zip(abroad, (a, b) => unchecked(a + b)).ToArray(); // what the masks leave over

        var mean = new float[2];
        Assert.Equal(400, encoding.DecodeMean(sum, contributors: 2, mean));
        Assert.Equal(0.625f, mean[0], 1e-4f);
        Assert.Equal(0.25f, mean[1], 1e-4f);
        // end
    }
}
