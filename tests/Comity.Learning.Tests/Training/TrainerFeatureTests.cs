using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Schedules;
using Comity.Tensors.Kernels;
using Comity.Testing;

namespace Comity.Learning.Tests.Training;

/// <summary>Accumulation, averaging, checkpoints, divergence, learning rates: each against what it must equal.</summary>
public sealed class TrainerFeatureTests
{
    private static readonly TrainerRequest Request = new() { Seed = Synthetic.Seed.For("training") };

    public static TheoryData<OptimizerSection> Optimizers =>
    [
        new SgdSection { LearningRate = 0.1 },
        new MomentumSection { LearningRate = 0.05 },
        new NesterovSection { LearningRate = 0.05 },
        new RmsPropSection { LearningRate = 0.01 },
        new AdamSection { LearningRate = 0.01 },
        new AdamWSection { LearningRate = 0.01 },
    ];

    [Fact]
    public void Small_batches_that_make_one_step_take_the_steps_of_a_large_batch()
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [16] }, 2, TaskKind.Binary, 2);
        var data = Synthetic.Circle(250, Synthetic.Seed); // the last batch is smaller in both cuts
        var section = new TrainingSection { Optimizer = new MomentumSection { LearningRate = 0.1 }, Batch = 40, Epochs = 5, ClipNorm = 0.5 };
        var (large, small) = (Start(model), Start(model));
        var whole = new Trainer(model, section).Train(large, data, null, Request, TestContext.Current.CancellationToken);
        var parts = new Trainer(model, section with { Batch = 8, Accumulate = 5 }).Train(small, data, null, Request, TestContext.Current.CancellationToken);
        Assert.Equal(whole.Steps, parts.Steps);
        Assert.Equal(whole.LearningRateSum, parts.LearningRateSum, 9);
        for (var i = 0; i < large.Length; i++) Assert.Equal(large[i], small[i], 1e-4f);
    }

    [Fact]
    public void An_epoch_of_some_steps_takes_the_first_steps_of_its_own_order_and_the_next_draws_anew()
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [8] }, 2, TaskKind.Binary, 2);
        var data = Synthetic.Circle(250, Synthetic.Seed);
        var section = new TrainingSection { Optimizer = new SgdSection { LearningRate = 0.1 }, Batch = 20, Epochs = 3 };
        var token = TestContext.Current.CancellationToken;
        var (all, more, some, byHand) = (Start(model), Start(model), Start(model), Start(model));
        new Trainer(model, section).Train(all, data, null, Request, token);
        new Trainer(model, section with { StepsPerEpoch = 13 }).Train(more, data, null, Request, token);
        Assert.Equal(all, more);
        var result = new Trainer(model, section with { StepsPerEpoch = 4 }).Train(some, data, null, Request, token);
        Assert.Equal(12, result.Steps);
        // The same rows as epochs over a part of the data each, in the order in which the trainer shuffles all of it.
        for (var epoch = 0; epoch < 3; epoch++)
        {
            var order = Enumerable.Range(0, 250).ToArray();
            Request.Seed.For("shuffle", epoch).ToRandom().Shuffle(order.AsSpan());
            for (var step = 0; step < 4; step++)
            {
                var one = new Trainer(model, section with { Epochs = 1 }).Train(byHand, data.Choose(order.AsSpan(20 * step, 20)), null, Request, token);
                Assert.Equal(1, one.Steps);
            }
        }
        for (var i = 0; i < some.Length; i++) Assert.Equal(byHand[i], some[i], 1e-5f);
    }

    [Fact]
    public void The_average_of_the_weights_is_that_of_the_weights_after_each_step()
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [8] }, 2, TaskKind.Binary, 2);
        var data = Synthetic.Circle(100, Synthetic.Seed);
        var parameters = Start(model);
        var expected = parameters.Select(p => (double)p).ToArray();
        var step = 0;
        var request = Request with
        {
            CheckpointEvery = 1,
            Checkpoint = made =>
            {
                step++;
                var decay = Math.Min(0.9, (1.0 + step) / (10 + step));
                for (var i = 0; i < expected.Length; i++) expected[i] = decay * expected[i] + (1 - decay) * made.Parameters[i];
            },
        };
        new Trainer(model, new TrainingSection { Batch = 10, Epochs = 8, AverageDecay = 0.9, Optimizer = new SgdSection { LearningRate = 0.5 } }).Train(parameters, data, null, request, TestContext.Current.CancellationToken);
        Assert.Equal(80, step);
        for (var i = 0; i < parameters.Length; i++) Assert.Equal(expected[i], parameters[i], 1e-5);
    }

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void A_run_that_goes_on_from_a_file_ends_with_the_bits_of_one_that_never_stopped(OptimizerSection optimizer)
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [16], Dropout = 0.2, Norm = Normalization.Batch }, 2, TaskKind.Binary, 2);
        var (data, validation) = (Synthetic.Circle(95, Synthetic.Seed), Synthetic.Circle(60, Synthetic.Seed.For("validation")));
        var section = new TrainingSection { Optimizer = optimizer, Batch = 10, Epochs = 9, Accumulate = 2, AverageDecay = 0.8, EarlyStopping = new EarlyStoppingSection { Patience = 6 }, Schedule = new CosineScheduleSection() };
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.safetensors");
        try
        {
            var whole = Start(model);
            // 5 steps an epoch: the checkpoints after 10 and 17 steps lie at the end of an epoch and within one.
            var wholeResult = new Trainer(model, section).Train(whole, data, validation, Request with { CheckpointEvery = 1, Checkpoint = c => Keep(c, path) }, TestContext.Current.CancellationToken);
            foreach (var at in new[] { 10, 17 })
            {
                var resumed = Start(model);
                var request = Request with { Resume = TrainerCheckpoint.Read($"{path}.{at}") };
                var result = new Trainer(model, section).Train(resumed, data, validation, request, TestContext.Current.CancellationToken);
                Assert.Equal(whole, resumed);
                Assert.Equal(wholeResult.LossByEpoch, result.LossByEpoch);
                Assert.Equal(wholeResult.ValidationLossByEpoch, result.ValidationLossByEpoch);
                Assert.Equal((wholeResult.Steps, wholeResult.LearningRateSum, wholeResult.NormalizedSteps, wholeResult.BestEpoch, wholeResult.StoppedBy), (result.Steps, result.LearningRateSum, result.NormalizedSteps, result.BestEpoch, result.StoppedBy));
            }
        }
        finally
        {
            foreach (var at in new[] { 10, 17 }) File.Delete($"{path}.{at}");
        }
    }

    [Fact]
    public void What_cannot_go_on_is_refused()
    {
        var model = ModelFactory.Create(new LogisticSection(), 2, TaskKind.Binary, 2);
        var data = Synthetic.Circle(20, Synthetic.Seed);
        TrainerCheckpoint? made = null;
        var trainer = new Trainer(model, new TrainingSection { Epochs = 1, Optimizer = new SgdSection { LearningRate = 0.1 } });
        trainer.Train(Start(model), data, null, Request with { CheckpointEvery = 1, Checkpoint = c => made = c }, TestContext.Current.CancellationToken);
        Assert.Throws<ArgumentException>(() => trainer.Train(Start(model), data, null, Request with { Resume = made! with { Parameters = new float[5] } }));
        Assert.Throws<ArgumentException>(() => new Trainer(model, new TrainingSection { Epochs = 1 }).Train(Start(model), data, null, Request with { Resume = made })); // Adam remembers more
        Assert.Throws<ArgumentException>(() => new Trainer(model, new TrainingSection { Optimizer = new LbfgsSection() }).Train(Start(model), data, null, Request with { Resume = made }));
        var path = Path.GetTempFileName();
        try
        {
            Comity.Tensors.Files.Safetensors.Write(path, model.Layout, Start(model));
            Assert.Throws<InvalidDataException>(() => TrainerCheckpoint.Read(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void An_infinity_is_caught_in_its_step_with_the_operation_that_made_it_and_no_weight_moves()
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [8, 4] }, 2, TaskKind.Binary, 2);
        var good = Synthetic.Circle(40, Synthetic.Seed);
        var features = good.Features.ToArray();
        features[2 * 33] = 3e38f; // its products overflow
        var data = new Dataset(features, good.Labels, 2);
        var parameters = Start(model);
        model.Layout.Slice(parameters, model.Layout.Entries[0]).Fill(2);
        float[]? last = null;
        var result = new Trainer(model, new TrainingSection { Batch = 4, Epochs = 3 }).Train(parameters, data, null, Request with { CheckpointEvery = 1, Checkpoint = c => last = c.Parameters }, TestContext.Current.CancellationToken);
        Assert.Equal(StopReasons.Diverged, result.StoppedBy);
        Assert.Equal(result.Steps + 1, result.Divergence!.Step);
        Assert.InRange(result.Divergence.Step, 1, 10);
        var operation = result.Divergence.Operation!;
        Assert.Equal("Dense", operation.Name);
        Assert.Equal(["hidden.0.weight", "hidden.0.bias"], operation.Parameters);
        Assert.False(operation.InGradient);
        Assert.Equal(last ?? parameters, parameters);
    }

    [Fact]
    public void The_rate_that_is_found_trains_better_than_much_smaller_and_much_larger_ones()
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [32] }, 2, TaskKind.Binary, 2);
        var data = Synthetic.Circle(400, Synthetic.Seed);
        var (start, before) = (Start(model), Start(model));
        var section = new TrainingSection { Batch = 20 };
        var curve = LearningRateFinder.Find(model, section, start, data, Synthetic.Seed, low: 1e-6, high: 100, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(before, start);
        Assert.InRange(curve.Rates.Count, 20, 100);
        Assert.True(curve.Losses[^1] > curve.Losses.Min());
        double Trained(double rate)
        {
            var parameters = Start(model);
            var trainer = new Trainer(model, section with { Epochs = 5, Optimizer = new AdamSection { LearningRate = rate } });
            trainer.Train(parameters, data, null, Request, TestContext.Current.CancellationToken);
            return trainer.Loss(parameters, data);
        }
        var found = Trained(curve.Suggested!.Value);
        Assert.True(found < Trained(curve.Suggested.Value / 100));
        Assert.True(found < Trained(curve.Suggested.Value * 100));
        Assert.Throws<ArgumentException>(() => LearningRateFinder.Find(model, section, start, data, Synthetic.Seed, low: 1, high: 0.1));
    }

    [Fact]
    public void A_step_of_a_convolutional_network_allocates_nothing_after_the_first_epochs()
    {
        var section = new CnnSection
        {
            Layers = [new ConvLayerSection { Channels = 4, Norm = ChannelNormalization.Batch }, new MaxPoolLayerSection(), new ResidualLayerSection { Channels = 6, Stride = 2 }, new DropoutLayerSection(), new DenseLayerSection { Units = 8 }],
        };
        var model = ModelFactory.Create(section, new ImageInput(2, 8, 8), TaskKind.Binary, 2, KernelSet.Best);
        var trainer = new Trainer(model, new TrainingSection { Batch = 4, Accumulate = 2, AverageDecay = 0.9, ClipNorm = 1 });
        long PerEpoch(int rows)
        {
            var features = new float[rows * 128];
            var random = Synthetic.Seed.ToRandom();
            foreach (ref var x in features.AsSpan()) x = random.NextSingle();
            var data = new Dataset(features, new float[rows], 128);
            long last = 0;
            var grown = new List<long>(100);
            var request = Request with { Epochs = 12, Progress = _ => { var now = GC.GetAllocatedBytesForCurrentThread(); grown.Add(now - last); last = now; } };
            trainer.Train(Start(model), data, null, request, TestContext.Current.CancellationToken);
            return grown.Skip(6).Min();
        }
        // An epoch derives its two random streams; that must not grow with its steps.
        Allocations.AssertSame(() => PerEpoch(16), () => PerEpoch(160));
    }

    private static void Keep(TrainerCheckpoint made, string path)
    {
        if (made.Position.Steps is 10 or 17) made.Write($"{path}.{made.Position.Steps}");
    }

    private static float[] Start(Model model)
    {
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Synthetic.Seed.For("initial").ToRandom());
        return parameters;
    }
}
