using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;

namespace Comity.Learning.Tests.Training;

/// <summary>What strategies ask of a site's training: proximal term, anchor, drift correction, teacher, and honest numbers about its steps.</summary>
public sealed class FederatedTrainingTests
{
    private static readonly TrainerRequest Request = new() { Seed = Synthetic.Seed.For("training"), Epochs = 1 };

    [Fact]
    public void A_correction_is_added_to_every_gradient()
    {
        // One full batch of plain SGD: the change is −η·(g + correction), so two corrections differ by η times their difference.
        var (trainer, data, start) = Linear(new SgdSection { LearningRate = 0.1 }, batch: 100);
        var plain = Train(trainer, data, start, Request);
        var correction = start.Select((_, i) => (float)(i + 1)).ToArray();
        var corrected = Train(trainer, data, start, Request with { GradientCorrection = correction });
        for (var i = 0; i < start.Length; i++) Assert.Equal(plain[i] - 0.1 * (i + 1), corrected[i], 1e-5);
    }

    [Fact]
    public void The_proximal_term_pulls_towards_the_anchor_or_the_start()
    {
        var (trainer, data, start) = Linear(new SgdSection { LearningRate = 0.1 }, batch: 100);
        var anchor = start.Select(_ => 3f).ToArray();
        var plain = Train(trainer, data, start, Request);
        var pulled = Train(trainer, data, start, Request with { Proximal = 0.5f, Anchor = anchor });
        for (var i = 0; i < start.Length; i++) Assert.Equal(plain[i] - 0.1 * 0.5 * (start[i] - 3), pulled[i], 1e-5);
        // Towards the start the first step is free; a strong pull keeps later steps near.
        var one = Train(trainer, data, start, Request with { Proximal = 0.5f });
        Assert.Equal(plain, one);
        var far = Distance(Train(trainer, data, start, Request with { Epochs = 50 }), start);
        var near = Distance(Train(trainer, data, start, Request with { Epochs = 50, Proximal = 5 }), start);
        Assert.True(near < 0.5 * far, $"{near} against {far}.");
    }

    [Fact]
    public void Proximal_training_reaches_the_minimum_of_loss_and_pull()
    {
        // At the minimum g(w) + μ(w − a) = 0, for mini-batches' sake with one batch.
        var (trainer, data, start) = Linear(new LbfgsSection { Tolerance = 1e-6 }, batch: 100);
        var anchor = start.Select(_ => 1f).ToArray();
        var lbfgs = Train(trainer, data, start, Request with { Epochs = 200, Proximal = 0.7f, Anchor = anchor });
        var (sgd, _, _) = Linear(new SgdSection { LearningRate = 0.1 }, batch: 100);
        var slow = Train(sgd, data, start, Request with { Epochs = 2000, Proximal = 0.7f, Anchor = anchor });
        for (var i = 0; i < start.Length; i++) Assert.Equal(slow[i], lbfgs[i], 1e-4);
    }

    [Fact]
    public void Normalised_steps_are_those_of_FedNova()
    {
        // Four batches an epoch, three epochs: τ = 12.
        double Of(OptimizerSection optimizer, float proximal = 0)
        {
            var (trainer, data, start) = Linear(optimizer, batch: 25);
            var result = trainer.Train([.. start], data, null, Request with { Epochs = 3, Proximal = proximal }, TestContext.Current.CancellationToken);
            Assert.Equal(12, result.Steps);
            return result.NormalizedSteps;
        }
        const double Rho = 0.9, Tau = 12, Rate = 0.01, Mu = 2;
        Assert.Equal(Tau, Of(new SgdSection { LearningRate = Rate }), 9);
        // Wang et al. 2020, section 4: a = [τ − ρ(1 − ρ^τ)/(1 − ρ)]/(1 − ρ).
        Assert.Equal((Tau - Rho * (1 - Math.Pow(Rho, Tau)) / (1 - Rho)) / (1 - Rho), Of(new MomentumSection { LearningRate = Rate, Momentum = Rho }), 1e-4);
        // Proximal SGD: a = [1 − (1 − ημ)^τ]/(ημ).
        Assert.Equal((1 - Math.Pow(1 - Rate * Mu, Tau)) / (Rate * Mu), Of(new SgdSection { LearningRate = Rate }, (float)Mu), 1e-4);
        Assert.Equal(Tau, Of(new AdamSection()), 9);
    }

    [Fact]
    public void Momentum_moves_by_its_normalised_steps_when_the_gradient_is_constant()
    {
        // A gradient that never changes: only the correction acts, for labels that the model meets exactly at zero.
        var model = ModelFactory.Create(new LinearSection(), 1, TaskKind.Regression, 0);
        var data = new Dataset(new float[100], new float[100], 1);
        foreach (OptimizerSection optimizer in new OptimizerSection[] { new MomentumSection { LearningRate = 1e-6 }, new NesterovSection { LearningRate = 1e-6 } })
        {
            var parameters = new float[2];
            var result = new Trainer(model, new TrainingSection { Optimizer = optimizer, Batch = 10 })
                .Train(parameters, data, null, Request with { GradientCorrection = new float[] { 1, 0 } }, TestContext.Current.CancellationToken);
            Assert.Equal(-1e-6 * result.NormalizedSteps, parameters[0], 1e-10);
        }
    }

    [Theory]
    [InlineData("momentum")]
    [InlineData("nesterov")]
    [InlineData("rmsprop")]
    [InlineData("adam")]
    [InlineData("adamw")]
    public void Epochs_one_by_one_with_a_kept_state_are_the_epochs_of_one_run(string kind)
    {
        OptimizerSection optimizer = kind switch
        {
            "momentum" => new MomentumSection(),
            "nesterov" => new NesterovSection(),
            "rmsprop" => new RmsPropSection { LearningRate = 0.01 },
            "adam" => new AdamSection { LearningRate = 0.01 },
            _ => new AdamWSection { LearningRate = 0.01 },
        };
        var (trainer, data, start) = Linear(optimizer, batch: 25);
        var together = Train(trainer, data, start, Request with { Epochs = 4 });
        var (kept, reset) = ((float[])[.. start], (float[])[.. start]);
        IReadOnlyList<ReadOnlyMemory<float>> state = [];
        for (var epoch = 0; epoch < 4; epoch++)
        {
            var request = Request with { EpochsBefore = epoch, OptimizerState = state, KeepOptimizerState = n => new float[n] };
            state = trainer.Train(kept, data, null, request, TestContext.Current.CancellationToken).OptimizerState;
            reset = Train(trainer, data, reset, Request with { EpochsBefore = epoch });
        }
        // β₁ᵗ and β₂ᵗ travel in single precision; all else is the same bits.
        for (var i = 0; i < start.Length; i++) Assert.Equal(together[i], kept[i], 1e-5 * Math.Abs(together[i] - start[i]));
        Assert.True(Distance(reset, together) > 1e-3 * Distance(together, start), "A state that is forgotten must show, or this test tells nothing.");
    }

    [Fact]
    public void A_state_of_another_optimiser_is_refused()
    {
        var (adam, data, start) = Linear(new AdamSection(), batch: 25);
        var state = adam.Train([.. start], data, null, Request with { KeepOptimizerState = n => new float[n] }, TestContext.Current.CancellationToken).OptimizerState;
        Assert.Equal([start.Length, start.Length, 2], state.Select(v => v.Length));
        var (momentum, _, _) = Linear(new MomentumSection(), batch: 25);
        Assert.Throws<ArgumentException>(() => momentum.Train([.. start], data, null, Request with { OptimizerState = state }, TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentException>(() => adam.Train([.. start], data, null, Request with { OptimizerState = [new float[2], state[1], state[2]] }, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void The_sum_of_rates_follows_the_schedule()
    {
        var (_, data, start) = Linear(new SgdSection(), batch: 25);
        var model = ModelFactory.Create(new LinearSection(), data.Width, TaskKind.Regression, 0);
        var section = new TrainingSection { Optimizer = new SgdSection { LearningRate = 0.1 }, Batch = 25, Epochs = 4, Schedule = new Comity.Learning.Training.Schedules.StepScheduleSection { Every = 1, Factor = 0.5 } };
        var result = new Trainer(model, section).Train([.. start], data, null, Request with { Epochs = 2, EpochsBefore = 1 }, TestContext.Current.CancellationToken);
        Assert.Equal(4 * (0.05 + 0.025), result.LearningRateSum, 1e-6);
        Assert.Equal(8, result.NormalizedSteps, 1e-6);
    }

    [Theory]
    [InlineData(TaskKind.Binary)]
    [InlineData(TaskKind.Multiclass)]
    [InlineData(TaskKind.Regression)]
    public void A_student_that_hears_only_its_teacher_learns_what_the_teacher_knows(TaskKind task)
    {
        var classes = task switch { TaskKind.Binary => 2, TaskKind.Multiclass => 3, _ => 0 };
        var data = task switch { TaskKind.Binary => Synthetic.Circle(400, Synthetic.Seed), TaskKind.Multiclass => Synthetic.Clouds(400, 3, Synthetic.Seed), _ => Synthetic.Linear(400, [1, -2, 0.5], 0.1, Synthetic.Seed) };
        var model = ModelFactory.Create(new MlpSection { Hidden = [24] }, 2, task, classes);
        var section = new TrainingSection { Optimizer = new AdamSection { LearningRate = 0.01 }, Epochs = 60 };
        var teacher = new float[model.Layout.Length];
        model.Initialise(teacher, Synthetic.Seed.For("teacher").ToRandom());
        var trainer = new Trainer(model, section);
        trainer.Train(teacher, data, null, Request with { Epochs = 60 }, TestContext.Current.CancellationToken);
        // Labels that say nothing: whatever the student knows, the teacher told it.
        var blank = new Dataset(data.Features, new float[data.Rows], 2);
        var student = new float[model.Layout.Length];
        model.Initialise(student, Synthetic.Seed.For("student").ToRandom());
        new Trainer(model, section with { Distillation = new DistillationSection { Weight = 1, Temperature = 2 } })
            .Train(student, blank, null, Request with { Epochs = 60, Teacher = teacher }, TestContext.Current.CancellationToken);
        Assert.Equal(trainer.Loss(teacher, data), trainer.Loss(student, data), 0.12);
    }

    [Fact]
    public void A_vector_of_another_length_is_refused_by_name()
    {
        var (trainer, data, start) = Linear(new SgdSection(), batch: 10);
        Assert.Throws<ArgumentException>(() => trainer.Train(new float[3], data, null, Request));
        Assert.Contains("Anchor", Assert.Throws<ArgumentException>(() => trainer.Train(start, data, null, Request with { Proximal = 1, Anchor = new float[2] })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => trainer.Train(start, data, null, Request with { GradientCorrection = new float[2] }));
        Assert.Throws<ArgumentException>(() => trainer.Train(start, new Dataset(new float[8], new float[2], 4), null, Request));
        Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Train(start, data, null, Request with { Proximal = float.NaN }));
        var binary = ModelFactory.Create(new LogisticSection(), 2, TaskKind.Binary, 2);
        Assert.Throws<ArgumentException>(() => new Trainer(binary, new TrainingSection()).Train(new float[3], new Dataset(new float[4], new float[] { 0, 2 }, 2), null, Request));
    }

    private static (Trainer Trainer, Dataset Data, float[] Start) Linear(OptimizerSection optimizer, int batch)
    {
        var data = Synthetic.Linear(100, [1, -2, 0.5, 3], 0.1, Synthetic.Seed);
        var model = ModelFactory.Create(new LinearSection(), 3, TaskKind.Regression, 0);
        return (new Trainer(model, new TrainingSection { Optimizer = optimizer, Batch = batch }), data, [0.5f, 0.25f, -1, 2]);
    }

    private static float[] Train(Trainer trainer, Dataset data, float[] start, TrainerRequest request)
    {
        float[] parameters = [.. start];
        trainer.Train(parameters, data, null, request, TestContext.Current.CancellationToken);
        return parameters;
    }

    private static double Distance(float[] a, float[] b) => Math.Sqrt(a.Zip(b, (x, y) => (x - y) * (x - y)).Sum());
}
