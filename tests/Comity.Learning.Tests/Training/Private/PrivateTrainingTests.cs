using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Private;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;
using Comity.Privacy.Noise;
using Comity.Tensors;
using Comity.Testing;

namespace Comity.Learning.Tests.Training.Private;

public sealed class PrivateTrainingTests
{
    // Small enough to be invisible beside rounding, so that what is left is sampling and clipping.
    private const double HardlyAny = 1e-4;

    public static TheoryData<ModelSection> Models =>
    [
        new LogisticSection(), new SoftmaxSection(), new MlpSection { Hidden = [12, 8] },
        new MlpSection { Hidden = [12], Activation = Activation.Gelu }, new MlpSection { Hidden = [12], Norm = Normalization.Layer, Activation = Activation.Tanh },
    ];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_step_is_the_mean_of_the_gradients_of_single_rows_each_clipped_however_many_are_held_at_once(ModelSection section)
    {
        const int Rows = 40;
        const double Clip = 0.4, Rate = 0.5;
        var rows = Synthetic.Clouds(Rows, 2, Synthetic.Seed);
        var model = ModelFactory.Create(section, 2, TaskKind.Binary, 2);
        var training = new TrainingSection { Batch = Rows, Epochs = 1, Optimizer = new SgdSection { LearningRate = Rate } };
        var start = Start(model);

        var expected = Oracle(model, training, rows, start, Rate, Clip);

        foreach (var atOnce in new int?[] { null, 1, 7 })
        {
            var parameters = start.ToArray();
            using var noise = NoiseStream.Repeatable(Key(1));
            var request = new TrainerRequest { Seed = Synthetic.Seed, Private = new PrivateTraining { ClipNorm = Clip, NoiseMultiplier = HardlyAny, Noise = noise, RowsAtOnce = atOnce } };
            var result = new Trainer(model, training).Train(parameters, rows, null, request, TestContext.Current.CancellationToken);
            Assert.Equal(1, result.Steps);
            for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], (start[i] - parameters[i]) / Rate, 2e-5);
        }
    }

    [Theory]
    [InlineData("lenet")]
    [InlineData("residual")]
    public void A_convolutional_network_takes_the_step_of_images_passed_one_by_one(string name)
    {
        const int Rows = 24, Side = 12;
        const double Clip = 0.5, Rate = 0.5;
        CnnSection section = new()
        {
            Layers = name == "lenet"
                ? [new ConvLayerSection { Channels = 6, Kernel = 5 }, new MaxPoolLayerSection(), new ConvLayerSection { Channels = 16, Kernel = 3, Stride = 2 }, new DenseLayerSection { Units = 10 }]
                : [new ConvLayerSection { Channels = 8, Norm = ChannelNormalization.Group }, new ResidualLayerSection { Channels = 8, Stride = 2, Norm = ChannelNormalization.Layer }, new GlobalAverageLayerSection()],
        };
        var random = Synthetic.Seed.For(name).ToRandom();
        var (pixels, labels) = (new float[Rows * 2 * Side * Side], new float[Rows]);
        foreach (ref var x in pixels.AsSpan()) x = (float)random.NextGaussian();
        foreach (ref var y in labels.AsSpan()) y = random.NextInt32(3);
        var rows = new Dataset(pixels, labels, 2 * Side * Side);
        var model = ModelFactory.Create(section, new ImageInput(2, Side, Side), TaskKind.Multiclass, 3);
        var training = new TrainingSection { Batch = Rows, Epochs = 1, Optimizer = new SgdSection { LearningRate = Rate } };
        var start = Start(model);
        var expected = Oracle(model, training, rows, start, Rate, Clip);
        foreach (var atOnce in new int?[] { null, 1, 7 })
        {
            var parameters = start.ToArray();
            using var noise = NoiseStream.Repeatable(Key(1));
            var request = new TrainerRequest { Seed = Synthetic.Seed, Private = new PrivateTraining { ClipNorm = Clip, NoiseMultiplier = HardlyAny, Noise = noise, RowsAtOnce = atOnce } };
            new Trainer(model, training).Train(parameters, rows, null, request, TestContext.Current.CancellationToken);
            for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], (start[i] - parameters[i]) / Rate, 2e-5);
        }
    }

    [Fact]
    public void Steps_after_the_first_allocate_nothing_though_lots_differ_in_size()
    {
        // Twice as many epochs are twice as many steps over the same rows; what differs is what a step allocates.
        var section = new CnnSection { Layers = [new ConvLayerSection { Channels = 6 }, new MaxPoolLayerSection(), new ConvLayerSection { Channels = 8 }] };
        var model = ModelFactory.Create(section, new ImageInput(1, 8, 8), TaskKind.Binary, 2);
        var rows = new Dataset(new float[200 * 64], new float[200], 64);
        long Allocated(int epochs)
        {
            using var noise = NoiseStream.Repeatable(Key(6));
            var request = new TrainerRequest { Seed = Synthetic.Seed, Epochs = epochs, Private = new PrivateTraining { ClipNorm = 1, NoiseMultiplier = 1, Noise = noise } };
            var (parameters, training) = (Start(model), new TrainingSection { Batch = 40 });
            return Allocations.Of(() => new Trainer(model, training).Train(parameters, rows, null, request, TestContext.Current.CancellationToken));
        }
        _ = Allocated(4);
        var (few, many) = (Allocated(4), Allocated(44));
        // An epoch has 5 steps; a stream of dropout, a loss and a seed's name are its own. The tape of these images alone takes 400 KiB.
        Assert.InRange(many - few, 0, 40 * 1024);
    }

    [Fact]
    public void Each_row_is_drawn_on_its_own_with_probability_of_lot_over_rows_and_sums_are_divided_by_the_expected_lot()
    {
        // Row i alone moves weight i: zero weights, labels of one, squares as loss. A tiny learning rate keeps the gradient at −2, clipped to 1 in norm.
        const int Rows = 50, Lot = 10, Epochs = 80;
        const double Rate = 1e-6;
        var features = new float[Rows * Rows];
        for (var i = 0; i < Rows; i++) features[(i * Rows) + i] = 1;
        var labels = Enumerable.Repeat(1f, Rows).ToArray();
        var model = ModelFactory.Create(new LinearSection(), Rows, TaskKind.Regression, 0);
        var parameters = new float[model.Layout.Length];
        using var noise = NoiseStream.Repeatable(Key(4));
        var request = new TrainerRequest { Seed = Synthetic.Seed, Private = new PrivateTraining { ClipNorm = Math.Sqrt(0.5), NoiseMultiplier = HardlyAny, Noise = noise } };
        var training = new TrainingSection { Batch = Lot, Epochs = Epochs, Loss = Loss.Mse, Optimizer = new SgdSection { LearningRate = Rate } };
        var result = new Trainer(model, training).Train(parameters, new Dataset(features, labels, Rows), null, request, TestContext.Current.CancellationToken);

        // The gradient (−2, −2) of weight and intercept has the norm √8; clipped to √½ each part is ½.
        Assert.Equal(Epochs * 5, result.Steps);
        var drawn = parameters.Take(Rows).Select(w => w / Rate * Lot / 0.5).ToArray();
        Assert.All(drawn, d => Assert.Equal(Math.Round(d), d, 0.05));
        var (mean, variance) = (drawn.Average(), drawn.Sum(d => Math.Pow(d - drawn.Average(), 2)) / (Rows - 1));
        Assert.Equal(400 * 0.2, mean, 4 * Math.Sqrt(64.0 / Rows)); // Bin(400, 0.2)
        Assert.InRange(variance, 64 * 0.5, 64 * 1.7);
    }

    [Fact]
    public void What_was_released_is_said_and_an_accountant_can_read_it()
    {
        var (_, result) = Train(new TrainingSection { Batch = 30, Epochs = 4 }, z: 1.3, rows: 100);
        var released = result.Released!;
        Assert.Equal(0.3, released.SamplingRate);
        Assert.Equal(1.3, released.NoiseMultiplier);
        Assert.Equal(4 * 4, released.Steps); // ⌈100/30⌉ steps in an epoch
        Assert.Equal(result.Steps, released.Steps);
        var accountant = new PldAccountant(NeighbouringRelation.AddOrRemoveOne);
        var epsilon = accountant.Epsilon(released.Event, 1e-5);
        Assert.Equal(accountant.Epsilon(new PoissonSampledEvent(0.3, new GaussianEvent(1.3)).Times(16), 1e-5), epsilon);
        Assert.InRange(epsilon, 1, 20);
    }

    [Fact]
    public void A_lot_larger_than_the_rows_is_all_of_them_each_time()
    {
        var (_, result) = Train(new TrainingSection { Batch = 500, Epochs = 3 }, z: 1, rows: 60);
        Assert.Equal(1, result.Released!.SamplingRate);
        Assert.Equal(3, result.Steps);
    }

    [Fact]
    public void Steps_are_noised_with_the_deviation_asked_for_also_those_without_any_row()
    {
        // Labels and weights of zero leave nothing but noise. With q = 1/40 and 40 rows a third of all lots are empty; without their noise the deviation would be a fifth too small.
        const double Z = 3, Clip = 0.5, Rate = 1e-6;
        const int Rows = 40, Width = 1500;
        var model = ModelFactory.Create(new LinearSection(), Width, TaskKind.Regression, 0);
        var parameters = new float[model.Layout.Length];
        using var noise = NoiseStream.Repeatable(Key(9));
        var request = new TrainerRequest { Seed = Synthetic.Seed, Private = new PrivateTraining { ClipNorm = Clip, NoiseMultiplier = Z, Noise = noise } };
        var training = new TrainingSection { Batch = 1, Epochs = 5, Loss = Loss.Mse, Optimizer = new SgdSection { LearningRate = Rate } };
        var result = new Trainer(model, training).Train(parameters, new Dataset(new float[Rows * Width], new float[Rows], Width), null, request, TestContext.Current.CancellationToken);
        var deviation = Math.Sqrt(parameters.Average(w => (double)w * w)) / Rate;
        var expected = Z * Clip * Math.Sqrt(result.Steps);
        Assert.Equal(expected, deviation, expected * 4 / Math.Sqrt(2 * parameters.Length)); // within four standard errors
    }

    [Fact]
    public void The_same_key_gives_the_same_bits_and_another_key_others()
    {
        var section = new TrainingSection { Batch = 16, Epochs = 2 };
        Assert.Equal(Train(section, 1, 80).Parameters, Train(section, 1, 80).Parameters);
        Assert.NotEqual(Train(section, 1, 80).Parameters, Train(section, 1, 80, key: 2).Parameters);
    }

    [Theory]
    [InlineData("sgd")]
    [InlineData("adam")]
    public void Much_data_and_little_noise_still_learn(string optimizer)
    {
        var section = new TrainingSection
        {
            Batch = 200, Epochs = 20,
            Optimizer = optimizer == "adam" ? new AdamSection { LearningRate = 0.01 } : new SgdSection { LearningRate = 1 },
        };
        var rows = Synthetic.Circle(2000, Synthetic.Seed);
        var model = ModelFactory.Create(new MlpSection { Hidden = [32] }, 2, TaskKind.Binary, 2);
        var parameters = Start(model);
        using var noise = NoiseStream.Repeatable(Key(3));
        var request = new TrainerRequest { Seed = Synthetic.Seed, Private = new PrivateTraining { ClipNorm = 1, NoiseMultiplier = 1, Noise = noise } };
        var result = new Trainer(model, section).Train(parameters, rows, null, request, TestContext.Current.CancellationToken);
        Assert.True(result.LossByEpoch[^1] < 0.35, $"Loss {result.LossByEpoch[^1]}.");
    }

    [Fact]
    public void What_can_not_be_bounded_is_refused()
    {
        var batch = ModelFactory.Create(new MlpSection { Hidden = [4], Norm = Normalization.Batch }, 2, TaskKind.Binary, 2);
        var plain = ModelFactory.Create(new MlpSection { Hidden = [4] }, 2, TaskKind.Binary, 2);
        var rows = Synthetic.Clouds(30, 2, Synthetic.Seed);
        using var noise = NoiseStream.Secure();
        var request = new TrainerRequest { Seed = Synthetic.Seed, Private = new PrivateTraining { ClipNorm = 1, NoiseMultiplier = 1, Noise = noise } };
        Assert.Contains("norm: layer", Assert.Throws<ArgumentException>(() => new Trainer(batch, new()).Train(Start(batch), rows, null, request)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Trainer(plain, new() { Optimizer = new LbfgsSection() }).Train(Start(plain), rows, null, request));
        Assert.Throws<ArgumentException>(() => new Trainer(plain, new() { ClassWeights = ClassWeights.Balanced }).Train(Start(plain), rows, null, request));
    }

    // Trains one plain step on each row alone, which gives its gradient; clips and sums them.
    private static double[] Oracle(Model model, TrainingSection training, Dataset rows, float[] start, double rate, double clip)
    {
        var (expected, clipped) = (new double[start.Length], 0);
        for (var row = 0; row < rows.Rows; row++)
        {
            var moved = start.ToArray();
            new Trainer(model, training).Train(moved, rows.Choose([row]), null, new TrainerRequest { Seed = Synthetic.Seed }, TestContext.Current.CancellationToken);
            var own = moved.Zip(start, (a, b) => ((double)b - a) / rate).ToArray();
            var norm = Math.Sqrt(own.Sum(g => g * g));
            if (norm > clip) clipped++;
            for (var i = 0; i < own.Length; i++) expected[i] += own[i] * Math.Min(1, clip / norm) / rows.Rows;
        }
        Assert.True(clipped > 0, "Nothing was clipped.");
        return expected;
    }

    private static (float[] Parameters, TrainerResult Result) Train(TrainingSection section, double z, int rows, int key = 1)
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [8] }, 2, TaskKind.Binary, 2);
        var parameters = Start(model);
        using var noise = NoiseStream.Repeatable(Key(key));
        var request = new TrainerRequest { Seed = Synthetic.Seed, Private = new PrivateTraining { ClipNorm = 1, NoiseMultiplier = z, Noise = noise } };
        var result = new Trainer(model, section).Train(parameters, Synthetic.Clouds(rows, 2, Synthetic.Seed), null, request, TestContext.Current.CancellationToken);
        return (parameters, result);
    }

    private static float[] Start(Model model)
    {
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Synthetic.Seed.For("weights").ToRandom());
        return parameters;
    }

    private static byte[] Key(int number) => [.. Enumerable.Range(0, 32).Select(i => (byte)(number + i))];
}
