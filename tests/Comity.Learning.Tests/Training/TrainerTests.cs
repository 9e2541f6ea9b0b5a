using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;
using Comity.Learning.Training.Schedules;
using Comity.Tensors;
using Comity.Tensors.Parameters;
using Comity.Testing;

namespace Comity.Learning.Tests.Training;

public sealed class TrainerTests
{
    private static readonly TrainerRequest Request = new() { Seed = Synthetic.Seed.For("training") };

    public static TheoryData<OptimizerSection> Optimizers =>
    [
        new SgdSection { LearningRate = 0.5 },
        new MomentumSection { LearningRate = 0.1 },
        new NesterovSection { LearningRate = 0.1 },
        new RmsPropSection { LearningRate = 0.01 },
        new AdamSection { LearningRate = 0.01 },
        new AdamWSection { LearningRate = 0.01 },
    ];

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void Every_optimizer_teaches_a_network_what_no_line_can_separate(OptimizerSection optimizer)
    {
        var (accuracy, _, _) = TrainCircle(new MlpSection { Hidden = [32] }, new TrainingSection { Optimizer = optimizer, Epochs = 60 });
        Assert.True(accuracy > 0.95, $"Accuracy {accuracy}.");
    }

    [Fact]
    public void A_plain_descent_has_the_same_bits_whether_the_way_back_takes_it_or_not()
    {
        var random = Synthetic.Seed.For("descent").ToRandom();
        var rows = new Dataset(Enumerable.Range(0, 70 * 300).Select(_ => (float)random.NextGaussian()).ToArray(), Enumerable.Range(0, 70).Select(i => (float)(i % 3)).ToArray(), 300);
        var model = ModelFactory.Create(new MlpSection { Hidden = [130, 7] }, 300, TaskKind.Multiclass, 3);
        var section = new TrainingSection { Optimizer = new SgdSection { LearningRate = 0.1 }, Batch = 32, Epochs = 3 };
        float[] Trained(TrainingSection how)
        {
            var parameters = new float[model.Layout.Length];
            model.Initialise(parameters, Synthetic.Seed.For("weights").ToRandom());
            new Trainer(model, how).Train(parameters, rows, null, Request);
            return parameters;
        }

        // A limit that no gradient reaches changes nothing, but the norm needs the whole gradient first.
        Assert.Equal(Trained(section with { ClipNorm = 1e30 }), Trained(section));
    }

    [Theory]
    [InlineData(Activation.Relu, Normalization.None, 0.0)]
    [InlineData(Activation.LeakyRelu, Normalization.Layer, 0.0)]
    [InlineData(Activation.Elu, Normalization.None, 0.1)]
    [InlineData(Activation.Gelu, Normalization.Batch, 0.0)]
    [InlineData(Activation.Tanh, Normalization.Layer, 0.1)]
    [InlineData(Activation.Sigmoid, Normalization.Batch, 0.0)]
    public void Every_activation_and_normalisation_learns(Activation activation, Normalization norm, double dropout)
    {
        var model = new MlpSection { Hidden = [32, 16], Activation = activation, Norm = norm, Dropout = dropout };
        var (accuracy, _, _) = TrainCircle(model, new TrainingSection { Optimizer = new AdamSection { LearningRate = 0.01 }, Epochs = 60 });
        Assert.True(accuracy > 0.93, $"Accuracy {accuracy}.");
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits_and_another_seed_others()
    {
        var section = new TrainingSection { Epochs = 3 };
        var model = new MlpSection { Hidden = [16], Dropout = 0.2, Norm = Normalization.Batch };
        var (_, first, _) = TrainCircle(model, section);
        var (_, again, _) = TrainCircle(model, section);
        var (_, other, _) = TrainCircle(model, section, Request with { Seed = Synthetic.Seed.For("other") });
        Assert.Equal(VectorDigest.Sha256(first), VectorDigest.Sha256(again));
        Assert.NotEqual(VectorDigest.Sha256(first), VectorDigest.Sha256(other));
    }

    [Fact]
    public void Two_runs_of_an_epoch_with_plain_sgd_are_one_run_of_two()
    {
        var section = new TrainingSection { Optimizer = new SgdSection { LearningRate = 0.1 }, Schedule = new CosineScheduleSection { WarmUpEpochs = 1 }, Epochs = 4 };
        var model = ModelFactory.Create(new MlpSection { Hidden = [8] }, 2, TaskKind.Binary, 2);
        var data = Synthetic.Circle(70, Synthetic.Seed);
        var trainer = new Trainer(model, section);
        var whole = Start(model);
        trainer.Train(whole, data, null, Request with { Epochs = 2 }, TestContext.Current.CancellationToken);
        var parts = Start(model);
        trainer.Train(parts, data, null, Request with { Epochs = 1 }, TestContext.Current.CancellationToken);
        trainer.Train(parts, data, null, Request with { Epochs = 1, EpochsBefore = 1 }, TestContext.Current.CancellationToken);
        Assert.Equal(whole, parts);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(31)]
    [InlineData(33)]
    public void Fewer_rows_than_a_batch_and_a_last_batch_of_one_row_work(int rows)
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [8], Norm = Normalization.Batch, Dropout = 0.1 }, 2, TaskKind.Binary, 2);
        var parameters = Start(model);
        var result = new Trainer(model, new TrainingSection { Epochs = 3 }).Train(parameters, Synthetic.Circle(rows, Synthetic.Seed), null, Request, TestContext.Current.CancellationToken);
        Assert.Equal(3 * ((rows + 31) / 32), result.Steps);
        Assert.All(parameters, p => Assert.True(float.IsFinite(p)));
    }

    [Fact]
    public void Divergence_stops_training_and_names_the_epoch()
    {
        var model = ModelFactory.Create(new LinearSection(), 2, TaskKind.Regression, 0);
        var parameters = Start(model);
        var section = new TrainingSection { Optimizer = new SgdSection { LearningRate = 1e5 }, Epochs = 100 };
        var result = new Trainer(model, section).Train(parameters, Synthetic.Linear(200, [1, 2, 3], 0.1, Synthetic.Seed), null, Request, TestContext.Current.CancellationToken);
        Assert.Equal(StopReasons.Diverged, result.StoppedBy);
        Assert.Equal(result.LossByEpoch.Count, result.StoppedAtEpoch);
        Assert.InRange(result.StoppedAtEpoch!.Value, 1, 20);
    }

    [Fact]
    public void Training_stops_at_its_target_loss()
    {
        var (_, _, result) = TrainCircle(new MlpSection { Hidden = [32] }, new TrainingSection { Optimizer = new AdamSection { LearningRate = 0.01 }, Epochs = 500, TargetLoss = 0.3 });
        Assert.Equal(StopReasons.TargetLoss, result.StoppedBy);
        Assert.True(result.LossByEpoch[^1] <= 0.3);
        Assert.All(result.LossByEpoch.SkipLast(1), loss => Assert.True(loss > 0.3));
    }

    [Fact]
    public void Early_stopping_keeps_the_best_weights()
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [64] }, 2, TaskKind.Binary, 2);
        var training = Synthetic.Circle(30, Synthetic.Seed.For("few"));
        var validation = Synthetic.Circle(300, Synthetic.Seed.For("validation"));
        var parameters = Start(model);
        var trainer = new Trainer(model, new TrainingSection { Optimizer = new AdamSection { LearningRate = 0.05 }, Epochs = 1000, EarlyStopping = new EarlyStoppingSection { Patience = 15 } });
        var result = trainer.Train(parameters, training, validation, Request, TestContext.Current.CancellationToken);
        Assert.Equal(StopReasons.EarlyStopping, result.StoppedBy);
        Assert.Equal(result.ValidationLossByEpoch.Min(), trainer.Loss(parameters, validation), 9);
        Assert.Equal(result.BestEpoch + 15, result.ValidationLossByEpoch.Count);
    }

    [Fact]
    public void Cancellation_ends_an_epoch_in_the_middle()
    {
        var model = ModelFactory.Create(new LogisticSection(), 2, TaskKind.Binary, 2);
        using var source = new CancellationTokenSource();
        var trainer = new Trainer(model, new TrainingSection { Epochs = 100_000 });
        var request = Request with { Progress = p => { if (p.Epoch == 2) source.Cancel(); } };
        Assert.Throws<OperationCanceledException>(() => trainer.Train(new float[model.Layout.Length], Synthetic.Circle(100, Synthetic.Seed), null, request, source.Token));
    }

    [Fact]
    public void A_step_allocates_nothing_after_the_first_epoch()
    {
        var model = ModelFactory.Create(new MlpSection { Hidden = [16], Dropout = 0.1, Norm = Normalization.Batch }, 2, TaskKind.Binary, 2);
        var trainer = new Trainer(model, new TrainingSection { Batch = 8, ClipNorm = 1, WeightDecay = 1e-4, LabelSmoothing = 0.1, ClassWeights = ClassWeights.Balanced });
        long PerEpoch(int rows)
        {
            var data = Synthetic.Circle(rows, Synthetic.Seed);
            long last = 0;
            var grown = new List<long>(100);
            var request = Request with { Epochs = 20, Progress = _ => { var now = GC.GetAllocatedBytesForCurrentThread(); grown.Add(now - last); last = now; } };
            trainer.Train(new float[model.Layout.Length], data, null, request, TestContext.Current.CancellationToken);
            return grown.Skip(10).Min();
        }
        // An epoch derives its two random streams; that must not grow with its steps.
        Allocations.AssertSame(() => PerEpoch(80), () => PerEpoch(800));
    }

    [Fact]
    public void Trainers_side_by_side_do_not_disturb_one_another()
    {
        var section = new TrainingSection { Epochs = 5 };
        var model = ModelFactory.Create(new MlpSection { Hidden = [24] }, 2, TaskKind.Binary, 2);
        var data = Synthetic.Circle(200, Synthetic.Seed);
        var trainer = new Trainer(model, section);
        var alone = Start(model);
        trainer.Train(alone, data, null, Request, TestContext.Current.CancellationToken);
        var together = Enumerable.Range(0, 8).Select(_ => Start(model)).ToArray();
        Parallel.ForEach(together, each => trainer.Train(each, data, null, Request, TestContext.Current.CancellationToken));
        Assert.All(together, each => Assert.Equal(alone, each));
    }

    private static float[] Start(Model model)
    {
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Synthetic.Seed.For("initial").ToRandom());
        return parameters;
    }

    private static (double Accuracy, float[] Parameters, TrainerResult Result) TrainCircle(ModelSection section, TrainingSection training, TrainerRequest? request = null)
    {
        var model = ModelFactory.Create(section, 2, TaskKind.Binary, 2);
        var parameters = Start(model);
        var result = new Trainer(model, training).Train(parameters, Synthetic.Circle(600, Synthetic.Seed), null, request ?? Request, TestContext.Current.CancellationToken);
        var test = Synthetic.Circle(500, Synthetic.Seed.For("test"));
        var outputs = new float[2 * test.Rows];
        model.Predict(parameters, test.Features.Span, test.Rows, outputs);
        var right = Enumerable.Range(0, test.Rows).Count(i => (outputs[2 * i + 1] > 0.5f ? 1 : 0) == test.Labels.Span[i]);
        return ((double)right / test.Rows, parameters, result);
    }
}
