using System.Text.Json;
using Comity.Declarations;
using Comity.Learning.Evaluation;
using Comity.Learning.Models;
using Comity.Learning.Tagging;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Tensors;
using Comity.Tensors.Differentiation;
using Comity.Tensors.Kernels;
using Comity.Tensors.Memory;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Tagging;

public sealed class TaggingModelTests
{
    private static readonly TaggedInput Input = new(new TokenInput(8, 24), ["O", "B-X", "I-X"]);

    public static TheoryData<string> Kinds => [.. Sections.Keys];

    private static readonly Dictionary<string, ModelSection> Sections = new()
    {
        ["lstm, bidirectional"] = new LstmSection { Hidden = [12], Embedding = 8, Bidirectional = true },
        ["rnn"] = new RnnSection { Hidden = [16], Embedding = 8 },
        ["encoder"] = new TransformerSection { Style = TransformerStyle.Encoder, Width = 24, Heads = 2, Layers = 1 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_rule_is_learnt_found_on_new_texts_and_judged(string kind)
    {
        var model = ModelFactory.Create(Sections[kind], Input, TaskKind.Tagging, 0);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Seed.Of(1).ToRandom());
        new Trainer(model, new TrainingSection { Optimizer = new AdamSection { LearningRate = 0.01 }, Epochs = 40, Batch = 16 })
            .Train(parameters, Texts(200, "training"), null, new TrainerRequest { Seed = Seed.Of(2) });

        var test = Texts(60, "test");
        var outputs = new float[test.Rows * TaggingOutputs.Count];
        model.Predict(parameters, test, outputs);
        var judged = Evaluator.Evaluate(TaskKind.Tagging, [], test.Labels.Span, outputs, new EvaluationSection { Bootstrap = 50 }, Seed.Of(3));
        Assert.InRange(judged.Metrics[MetricNames.EntityF1].Value, 0.95, 1);
        Assert.InRange(judged.Metrics[MetricNames.TokenAccuracy].Value, 0.97, 1);
        Assert.InRange(judged.Metrics[MetricNames.TokenLogLoss].Value, 0, 0.2);
        Assert.Equal(MetricNames.EntityF1, judged.Metrics.Keys.First());

        // The tagger says the tags that were judged, whatever stands in the places of the tags.
        var features = test.Features.ToArray();
        for (var i = 0; i < test.Rows; i++) features.AsSpan(i * 16 + 8, 8).Clear();
        var tags = new int[test.Rows * 8];
        new TokenTagger(model, parameters).Tag(features, tags);
        for (var i = 0; i < test.Rows; i++)
        {
            var right = 0;
            for (var t = 0; t < 8; t++)
            {
                var given = (int)test.Row(i)[8 + t] - 1;
                Assert.Equal(given < 0, tags[i * 8 + t] == TagScheme.None);
                if (given >= 0 && tags[i * 8 + t] == given) right++;
            }
            Assert.Equal(right, outputs[i * TaggingOutputs.Count + 1]);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_stands_behind_a_text_changes_nothing(string kind)
    {
        var model = ModelFactory.Create(Sections[kind], Input, TaskKind.Tagging, 0);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Seed.Of(1).ToRandom());
        float[] shorter = [2, 5, 6, 7, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0], full = [2, 9, 8, 7, 6, 5, 4, 9, 0, 1, 1, 1, 2, 3, 1, 1];
        float[] alone = new float[5], together = new float[10];
        model.Predict(parameters, shorter, 1, alone);
        model.Predict(parameters, [.. full, .. shorter], 2, together);
        for (var k = 0; k < 5; k++) Assert.Equal(alone[k], together[5 + k], 1e-5f);
        Assert.Equal(1, alone[2]); // B-X I-X is one entity
        // Without weights each tag is as likely: ln 3 nats a token, and padding costs nothing.
        Array.Clear(parameters);
        model.Predict(parameters, shorter, 1, alone);
        Assert.Equal(3 * Math.Log(3), alone[0], 1e-4);
    }

    [Fact]
    public void Metrics_are_sums_over_all_rows_and_what_is_undefined_is_said()
    {
        // Two rows: 4 of 5 and 3 of 10 tokens right; 2 entities, 1 found, it is right; 3 entities, 4 found, 2 right.
        float[] labels = [5, 10], outputs = [1, 4, 2, 1, 1, 8, 3, 3, 4, 2];
        var metrics = Evaluator.Evaluate(TaskKind.Tagging, [], labels, outputs, new EvaluationSection { Bootstrap = 0 }, Seed.Of(1)).Metrics;
        Assert.Equal(3.0 / 5, metrics[MetricNames.EntityPrecision].Value, 1e-9);
        Assert.Equal(3.0 / 5, metrics[MetricNames.EntityRecall].Value, 1e-9);
        Assert.Equal(6.0 / 10, metrics[MetricNames.EntityF1].Value, 1e-9);
        Assert.Equal(7.0 / 15, metrics[MetricNames.TokenAccuracy].Value, 1e-9);
        Assert.Equal(9.0 / 15, metrics[MetricNames.TokenLogLoss].Value, 1e-9);
        Assert.False(MetricNames.HigherIsBetter(MetricNames.TokenLogLoss));

        var empty = Evaluator.Evaluate(TaskKind.Tagging, [], [4f], [1f, 4, 0, 0, 0], new EvaluationSection { Bootstrap = 0 }, Seed.Of(1));
        Assert.True(double.IsNaN(empty.Metrics[MetricNames.EntityF1].Value));
        Assert.Contains(EvaluationWarnings.NothingTagged, empty.Warnings);
        Assert.Contains(EvaluationWarnings.NoEntities, empty.Warnings);

        float[] better = [1, 5, 2, 2, 2, 8, 6, 3, 3, 3];
        var gain = PairedComparison.Compare(TaskKind.Tagging, [], labels, outputs, better, new EvaluationSection { Bootstrap = 100 }, Seed.Of(1)).Differences;
        Assert.Equal(0.4, gain.Single(d => d.Metric == MetricNames.EntityF1).Difference, 1e-9);
    }

    [Fact]
    public void A_tagger_gives_what_PyTorch_gives()
    {
        using var stream = typeof(TaggingModelTests).Assembly.GetManifestResourceStream("torch-tagger.json")!;
        using var vectors = JsonDocument.Parse(stream);
        var one = vectors.RootElement;
        var model = ModelFactory.Create(new LstmSection { Hidden = [4], Embedding = 3, Bidirectional = true }, new TaggedInput(new TokenInput(5, 9), ["O", "B-X", "I-X"]), TaskKind.Tagging, 0);
        float[] Floats(string name) => [.. one.GetProperty(name).EnumerateArray().Select(v => v.GetSingle())];
        var given = Floats("parameters");
        Assert.Equal(model.Layout.Length, given.Length);
        foreach (var width in Enum.GetValues<VectorWidth>())
        {
            var kernels = KernelSet.Of(width);
            var own = ModelFactory.Create(new LstmSection { Hidden = [4], Embedding = 3, Bidirectional = true }, model.Input, TaskKind.Tagging, 0, kernels);
            AlignedBuffer parameters = new(given.Length), gradient = new(given.Length);
            given.CopyTo(parameters.Span);
            var tape = new Tape(own.Layout, kernels);
            tape.Begin(parameters, gradient, Seed.Of(1).ToRandom());
            var rows = Floats("rows");
            var loss = own.LanguageLoss(tape, tape.Constant(rows, new Shape(rows.Length / own.Inputs, own.Inputs)), 0);
            Assert.Equal(one.GetProperty("loss").GetDouble(), loss.Scalar, 1e-5);
            tape.Backward(loss);
            var expected = Floats("gradient");
            var size = Math.Sqrt(expected.Sum(g => (double)g * g));
            var error = Math.Sqrt(expected.Zip(gradient.Span[..expected.Length].ToArray(), (a, b) => ((double)a - b) * (a - b)).Sum());
            Assert.True(error < 1e-4 * size, $"{width}: {error / size}");
        }
    }

    [Fact]
    public void What_cannot_tag_says_so()
    {
        var problems = new ProblemList();
        var place = new Place("study.yaml", 1, 1, "model");
        new MlpSection { Hidden = [4] }.CheckTask(TaskKind.Tagging, place, problems);
        new SoftmaxSection().CheckTask(TaskKind.Tagging, place, problems);
        new CnnSection { Layers = [] }.CheckTask(TaskKind.Tagging, place, problems);
        Assert.All(problems, p => Assert.Equal("model-needs-task", p.Code));
        Assert.Equal(3, problems.Count);
        problems = [];
        new LstmSection { Hidden = [4] }.CheckTask(TaskKind.Tagging, place, problems);
        new LstmSection { Hidden = [4] }.CheckInput(Input, place, problems);
        new TransformerSection { Style = TransformerStyle.Encoder }.CheckTask(TaskKind.Tagging, place, problems);
        Assert.Empty(problems);

        var e = Assert.Throws<ArgumentException>(() => ModelFactory.Create(new LstmSection { Hidden = [4] }, new TokenInput(5, 9), TaskKind.Tagging, 0));
        Assert.Contains("tagged tokens", e.Message, StringComparison.Ordinal);
        var regression = ModelFactory.Create(new LinearSection(), 3, TaskKind.Regression, 0);
        Assert.Contains("regression", Assert.Throws<ArgumentException>(() => new TokenTagger(regression, new float[4])).Message, StringComparison.Ordinal);
    }

    // After token 4 an entity begins, which goes on over tokens from 14 on.
    private static Dataset Texts(int rows, string name)
    {
        var random = Seed.Of(8).For(name).ToRandom();
        float[] x = new float[rows * 16], y = new float[rows];
        for (var i = 0; i < rows; i++)
        {
            var row = x.AsSpan(i * 16, 16);
            var length = 3 + random.NextInt32(5);
            row[0] = TokenInput.Separator;
            for (var t = 1; t <= length; t++)
            {
                row[t] = random.NextInt32(3) == 0 ? 4 : 5 + random.NextInt32(19);
                row[8 + t] = t > 1 && row[t - 1] == 4 ? 2 : row[t] >= 14 && t > 1 && row[8 + t - 1] is 2 or 3 ? 3 : 1;
                if (row[8 + t] == 3 && row[t] < 14) row[8 + t] = 1;
            }
            y[i] = length;
        }
        return new Dataset(x, y, 16);
    }
}
