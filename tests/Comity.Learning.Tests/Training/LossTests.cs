using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;

namespace Comity.Learning.Tests.Training;

public sealed class LossTests
{
    private static readonly TrainerRequest Request = new() { Seed = Synthetic.Seed.For("training") };

    [Theory]
    [InlineData(Loss.Mse, 0.02)]
    [InlineData(Loss.Mae, 0.05)]
    [InlineData(Loss.Huber, 0.05)]
    public void Every_regression_loss_finds_the_law(Loss loss, double tolerance)
    {
        double[] law = [1, -2, 0.5, 3];
        var parameters = Fit(new LinearSection(), TaskKind.Regression, 0, Synthetic.Linear(800, law, 0.1, Synthetic.Seed), new TrainingSection { Loss = loss, Optimizer = new AdamSection { LearningRate = 0.02 }, Epochs = 100 });
        for (var i = 0; i < law.Length; i++) Assert.Equal(law[i], parameters[i], tolerance);
    }

    [Fact]
    public void Absolute_error_and_huber_shrug_at_outliers_that_drag_the_square_away()
    {
        var clean = Synthetic.Linear(300, [2, 0], 0.1, Synthetic.Seed);
        var labels = clean.Labels.ToArray();
        for (var i = 0; i < 30; i++) labels[i] = 100;
        var data = new Dataset(clean.Features, labels, 1);
        double Intercept(Loss loss) => Fit(new LinearSection(), TaskKind.Regression, 0, data, new TrainingSection { Loss = loss, Optimizer = new AdamSection { LearningRate = 0.05 }, Epochs = 100 })[1];
        Assert.True(Intercept(Loss.Mse) > 5);
        Assert.True(Intercept(Loss.Mae) < 0.3);
        Assert.True(Intercept(Loss.Huber) < 0.5);
    }

    [Fact]
    public void Balanced_weights_let_a_rare_class_count_as_much_as_a_common_one()
    {
        var all = Synthetic.Logistic(6000, [1, 0], Synthetic.Seed);
        var rows = Enumerable.Range(0, 6000).Where(i => all.Labels.Span[i] == 0 || i % 12 == 0).ToArray();
        var data = all.Choose(rows);
        double Predicted(ClassWeights weights)
        {
            var model = ModelFactory.Create(new LogisticSection(), 1, TaskKind.Binary, 2);
            var parameters = Fit(new LogisticSection(), TaskKind.Binary, 2, data, new TrainingSection { Optimizer = new LbfgsSection(), ClassWeights = weights });
            var outputs = new float[2 * data.Rows];
            model.Predict(parameters, data.Features.Span, data.Rows, outputs);
            return Enumerable.Range(0, data.Rows).Average(i => (double)outputs[2 * i + 1]);
        }
        // Without weights the mean probability is the prevalence (the score equations of logistic regression).
        Assert.Equal(data.Labels.ToArray().Average(), Predicted(ClassWeights.None), 1e-3);
        Assert.InRange(Predicted(ClassWeights.Balanced), 0.35, 0.55);
        // n/(k·n_c), and given weights scaled to a mean of 1.
        float[] labels = [0, 0, 0, 1];
        Assert.Equal([4 / 6f, 2f], ClassWeights.Balanced.For(labels, 2));
        Assert.Equal([4 / 6f, 2f], ClassWeights.Of([10, 30]).For(labels, 2));
        // A class that does not occur has no weight; the two that do share it: 5/(2·4) and 5/(2·1).
        Assert.Equal([0.625f, 0, 2.5f], ClassWeights.Balanced.For([0, 0, 0, 0, 2], 3));
    }

    [Fact]
    public void Label_smoothing_keeps_a_separable_problem_from_growing_without_end()
    {
        var data = Synthetic.Clouds(90, 3, Synthetic.Seed);
        double Confidence(double smoothing)
        {
            var model = ModelFactory.Create(new SoftmaxSection(), 2, TaskKind.Multiclass, 3);
            var parameters = Fit(new SoftmaxSection(), TaskKind.Multiclass, 3, data, new TrainingSection { LabelSmoothing = smoothing, Optimizer = new AdamSection { LearningRate = 0.1 }, Epochs = 300 });
            var outputs = new float[3 * data.Rows];
            model.Predict(parameters, data.Features.Span, data.Rows, outputs);
            return Enumerable.Range(0, data.Rows).Average(i => (double)outputs[(3 * i)..(3 * i + 3)].Max());
        }
        Assert.True(Confidence(0) > 0.99);
        // The best that the smoothed loss allows is 1 − ε + ε/3.
        Assert.Equal(1 - 0.3 + 0.1, Confidence(0.3), 0.03);
    }

    [Fact]
    public void Weight_decay_shrinks_weights_and_spares_the_intercept()
    {
        var data = Synthetic.Linear(400, [2, -1, 5], 0.1, Synthetic.Seed);
        foreach (var optimizer in new OptimizerSection[] { new SgdSection { LearningRate = 0.05 }, new LbfgsSection(), new AdamWSection { LearningRate = 0.02 } })
        {
            var free = Fit(new LinearSection(), TaskKind.Regression, 0, data, new TrainingSection { Optimizer = optimizer, Epochs = 150 });
            var decayed = Fit(new LinearSection(), TaskKind.Regression, 0, data, new TrainingSection { Optimizer = optimizer, Epochs = 150, WeightDecay = 1 });
            Assert.True(Math.Abs(decayed[0]) < 0.8 * Math.Abs(free[0]), $"{optimizer}: {decayed[0]} against {free[0]}.");
            Assert.Equal(5, decayed[2], 0.3);
        }
    }

    [Fact]
    public void Ridge_regression_by_lbfgs_solves_the_normal_equations()
    {
        // One feature, centred by its intercept: w = Σxy/(Σx² + nλ/2) for the loss mean (y − wx − b)² + λ/2·w², x centred.
        var data = Synthetic.Linear(200, [2, 1], 0.5, Synthetic.Seed);
        var x = data.Features.ToArray().Select(v => (double)v).ToArray();
        var y = data.Labels.ToArray().Select(v => (double)v).ToArray();
        var (mx, my) = (x.Average(), y.Average());
        var slope = x.Zip(y, (a, b) => (a - mx) * (b - my)).Sum() / (x.Sum(a => (a - mx) * (a - mx)) + 200 * 0.5 / 2);
        var parameters = Fit(new LinearSection(), TaskKind.Regression, 0, data, new TrainingSection { Optimizer = new LbfgsSection { Tolerance = 1e-6 }, WeightDecay = 0.5 });
        Assert.Equal(slope, parameters[0], 1e-4);
        Assert.Equal(my - slope * mx, parameters[1], 1e-4);
    }

    [Fact]
    public void A_clip_bounds_the_length_of_a_step()
    {
        var data = Synthetic.Linear(100, [50, 20], 0.1, Synthetic.Seed);
        var parameters = Fit(new LinearSection(), TaskKind.Regression, 0, data, new TrainingSection { Optimizer = new SgdSection { LearningRate = 0.5 }, ClipNorm = 0.2, Batch = 100, Epochs = 1 });
        Assert.Equal(0.1, Math.Sqrt(parameters.Sum(p => (double)p * p)), 1e-6);
    }

    private static float[] Fit(ModelSection section, TaskKind task, int classes, Dataset data, TrainingSection training)
    {
        var model = ModelFactory.Create(section, data.Width, task, classes);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Synthetic.Seed.For("initial").ToRandom());
        new Trainer(model, training).Train(parameters, data, null, Request, TestContext.Current.CancellationToken);
        return parameters;
    }
}
