using Comity.Declarations;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Tensors.Kernels;
using Comity.Tensors.Parameters;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Models;

public sealed class CnnTests
{
    private const string LeNet = """
        kind: cnn
        layers:
          - { kind: conv, channels: 6, kernel: 5 }
          - max-pool
          - { kind: conv, channels: 16, kernel: 5, padding: 0 }
          - average-pool
          - { kind: dense, units: 24 }
        """;

    private const string Grouped = """
        kind: cnn
        layers:
          - { kind: conv, channels: 8, norm: group }
          - max-pool
          - { kind: residual, channels: 8, norm: layer }
          - max-pool
          - { kind: dense, units: 16 }
        """;

    private const string Residual = """
        kind: cnn
        layers:
          - { kind: conv, channels: 8, norm: batch }
          - { kind: residual, channels: 8 }
          - { kind: residual, channels: 12, stride: 2 }
          - { kind: conv, channels: 12, groups: 12, kernel: 3 }
          - global-average
          - { kind: dropout, rate: 0.1 }
        """;

    [Fact]
    public void Weights_have_the_names_and_shapes_of_the_field()
    {
        var model = Make(LeNet, new ImageInput(1, 16, 16), classes: 10);
        Assert.Equal(
            ["layers.0.weight [6,1,5,5]", "layers.0.bias [6]", "layers.2.weight [16,6,5,5]", "layers.2.bias [16]", "layers.4.weight [64,24]", "layers.4.bias [24]", "output.weight [24,10]", "output.bias [10]"],
            model.Layout.Entries.Select(e => $"{e.Name} [{string.Join(',', e.Shape)}]"));
        var residual = Make(Residual, new ImageInput(3, 8, 8), classes: 2);
        var names = residual.Layout.Entries.ToDictionary(e => e.Name);
        Assert.Equal([12, 8, 3, 3], names["layers.2.conv1.weight"].Shape);
        Assert.Equal([12, 8, 1, 1], names["layers.2.shortcut.weight"].Shape);
        Assert.DoesNotContain("layers.1.shortcut.weight", names.Keys); // the sizes are the same
        Assert.DoesNotContain("layers.0.bias", names.Keys); // the normalisation has a shift
        Assert.Equal([12, 1, 3, 3], names["layers.3.weight"].Shape);
        Assert.Equal(ParameterRole.BatchNorm, names["layers.2.norm2.shift"].Role);
        Assert.Equal(ParameterRole.BatchNormStatistic, names["layers.2.shortcut.norm.variance"].Role);
    }

    [Theory]
    [InlineData(LeNet)]
    [InlineData(Residual)]
    [InlineData(Grouped)]
    public void A_network_learns_where_a_bar_lies_which_no_single_pixel_tells(string declared)
    {
        var (training, test) = (Bars(300, Synthetic.Seed.For("training")), Bars(200, Synthetic.Seed.For("test")));
        var model = Make(declared, new ImageInput(1, 16, 16), classes: 2);
        var parameters = Start(model);
        var trainer = new Trainer(model, new TrainingSection { Batch = 20, Epochs = 6, Optimizer = new AdamSection { LearningRate = 0.005 } });
        trainer.Train(parameters, training, null, new TrainerRequest { Seed = Synthetic.Seed }, TestContext.Current.CancellationToken);
        Assert.True(Accuracy(model, parameters, test) > 0.95, $"Accuracy {Accuracy(model, parameters, test)}.");
    }

    [Fact]
    public void A_network_learns_the_pitch_of_a_series()
    {
        var model = Make("kind: cnn\nlayers:\n  - { kind: conv, channels: 8, kernel: 5, stride: 2 }\n  - max-pool\n  - { kind: dense, units: 16 }", new SeriesInput(40, 2), classes: 2);
        Assert.Equal([8, 2, 5], model.Layout.Entries[0].Shape);
        var (training, test) = (Waves(300, Synthetic.Seed.For("training")), Waves(200, Synthetic.Seed.For("test")));
        var parameters = Start(model);
        new Trainer(model, new TrainingSection { Batch = 20, Epochs = 8, Optimizer = new AdamSection { LearningRate = 0.005 } }).Train(parameters, training, null, new TrainerRequest { Seed = Synthetic.Seed }, TestContext.Current.CancellationToken);
        Assert.True(Accuracy(model, parameters, test) > 0.95, $"Accuracy {Accuracy(model, parameters, test)}.");
    }

    [Fact]
    public void Every_width_predicts_the_same_to_the_last_digits()
    {
        var rows = Bars(5, Synthetic.Seed);
        float[]? first = null;
        foreach (var width in Enum.GetValues<VectorWidth>())
        {
            var model = Make(Residual, new ImageInput(1, 16, 16), classes: 2, KernelSet.Of(width));
            var outputs = new float[10];
            model.Predict(Start(model), rows.Features.Span, 5, outputs);
            first ??= outputs;
            for (var i = 0; i < 10; i++) Assert.Equal(first[i], outputs[i], 1e-5f);
        }
    }

    [Theory]
    [InlineData("- { kind: max-pool, size: 9 }\n  - max-pool", "layers[1] (max-pool)", "[1, 1, 1]", "[channels, ≥ 2, ≥ 2]")]
    [InlineData("- { kind: conv, channels: 4, kernel: 7, padding: 1, dilation: 3 }", "layers[0] (conv)", "[1, 16, 16]", "[channels, ≥ 17, ≥ 17]")]
    [InlineData("- { kind: conv, channels: 6 }\n  - { kind: conv, channels: 8, groups: 4 }", "layers[1] (conv)", "[6, 16, 16]", "[4·n, ≥ 1, ≥ 1]")]
    [InlineData("- global-average\n  - { kind: residual, channels: 4 }", "layers[1] (residual)", "[1]", "[channels, height, width]")]
    public void A_layer_that_does_not_fit_is_named_with_what_arrived_and_what_it_expects(string layers, string layer, string arrived, string expected)
    {
        var section = Read("kind: cnn\nlayers:\n  " + layers);
        var problems = new ProblemList();
        section.CheckInput(new ImageInput(1, 16, 16), new Place("study.yaml", 3, 1, "model"), problems);
        var problem = Assert.Single(problems);
        Assert.Equal("layer-misfit", problem.Code);
        Assert.Contains(arrived, problem.Found(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        Assert.Contains(layer, problem.Found(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        Assert.Contains(expected, problem.Expected(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        Assert.Contains(layer, Assert.Throws<ArgumentException>(() => ModelFactory.Create(section, new ImageInput(1, 16, 16), TaskKind.Binary, 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Groups_of_channels_know_nothing_of_other_images_and_must_divide_the_channels()
    {
        var model = Make(Grouped, new ImageInput(1, 16, 16), classes: 2);
        var parameters = Start(model);
        var rows = Bars(9, Synthetic.Seed.For("test"));
        float[] together = new float[18], alone = new float[2];
        model.Predict(parameters, rows, together);
        for (var i = 0; i < 9; i++)
        {
            model.Predict(parameters, rows.Row(i), 1, alone);
            Assert.Equal(together[2 * i], alone[0], 1e-6f);
        }
        Assert.All(model.Layout.Entries, e => Assert.NotEqual(ParameterRole.BatchNormStatistic, e.Role));

        var problems = new ProblemList();
        SectionReader.Read<ModelSection>(DeclaredFile.Parse("kind: cnn\nlayers: [{ kind: conv, channels: 6, norm: group }, { kind: conv, channels: 6, norm: batch, normGroups: 2 }]\n", "model", problems)!, problems);
        Assert.Equal(["norm-groups", "groups-without-norm"], problems.Select(p => p.Code));
        Assert.All(problems, p => Assert.True(p.Place.Line > 0 && p.Remedy(System.Globalization.CultureInfo.GetCultureInfo("zh-Hans")).Length > 5));
    }

    [Fact]
    public void Features_are_no_image()
    {
        var problems = new ProblemList();
        Read(LeNet).CheckInput(13, new Place("study.yaml", 3, 1, "model"), problems);
        Assert.Equal("model-needs-input", Assert.Single(problems).Code);
    }

    private static Model Make(string declared, InputShape input, int classes, KernelSet? kernels = null) =>
        ModelFactory.Create(Read(declared), input, classes == 2 ? TaskKind.Binary : TaskKind.Multiclass, classes, kernels);

    private static ModelSection Read(string declared)
    {
        var problems = new ProblemList();
        var section = SectionReader.Read<ModelSection>(DeclaredFile.Parse(declared, "model", problems)!, problems);
        Assert.Empty(problems);
        return section!;
    }

    private static float[] Start(Model model)
    {
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Synthetic.Seed.For("initial").ToRandom());
        return parameters;
    }

    // A bar of five bright pixels somewhere, lying or standing.
    private static Dataset Bars(int rows, Seed seed)
    {
        var random = seed.ToRandom();
        var (pixels, labels) = (new float[rows * 256], new float[rows]);
        for (var i = 0; i < rows; i++)
        {
            labels[i] = random.NextInt32(2);
            int along = random.NextInt32(12), across = random.NextInt32(16);
            for (var p = 0; p < 256; p++) pixels[i * 256 + p] = 0.1f * random.NextSingle();
            for (var p = along; p < along + 5; p++) pixels[i * 256 + (labels[i] == 0 ? across * 16 + p : p * 16 + across)] += 1;
        }
        return new Dataset(pixels, labels, 256);
    }

    // Waves of two channels with any phase; the label is whether they are fast.
    private static Dataset Waves(int rows, Seed seed)
    {
        var random = seed.ToRandom();
        var (values, labels) = (new float[rows * 80], new float[rows]);
        for (var i = 0; i < rows; i++)
        {
            labels[i] = random.NextInt32(2);
            double phase = 2 * Math.PI * random.NextDouble(), speed = labels[i] == 0 ? 0.5 : 0.9;
            for (var s = 0; s < 40; s++) (values[i * 80 + 2 * s], values[i * 80 + 2 * s + 1]) = ((float)Math.Sin(phase + speed * s), (float)Math.Cos(phase + speed * s));
        }
        return new Dataset(values, labels, 80);
    }

    private static double Accuracy(Model model, float[] parameters, Dataset test)
    {
        var outputs = new float[2 * test.Rows];
        model.Predict(parameters, test.Features.Span, test.Rows, outputs);
        return Enumerable.Range(0, test.Rows).Average(i => (outputs[2 * i + 1] > 0.5f ? 1 : 0) == test.Labels.Span[i] ? 1.0 : 0);
    }
}
