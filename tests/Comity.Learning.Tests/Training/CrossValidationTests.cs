using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;

namespace Comity.Learning.Tests.Training;

public sealed class CrossValidationTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(10)]
    public void Folds_are_even_in_rows_and_in_classes(int folds)
    {
        var labels = Enumerable.Range(0, 103).Select(i => i % 7 == 0 ? 1f : 0f).ToArray();
        var assigned = CrossValidation.Assign(labels, TaskKind.Binary, folds, Synthetic.Seed);
        var sizes = assigned.GroupBy(f => f).Select(g => g.Count()).ToArray();
        Assert.Equal(folds, sizes.Length);
        Assert.InRange(sizes.Max() - sizes.Min(), 0, 1);
        foreach (var label in new[] { 0f, 1f })
        {
            var perFold = Enumerable.Range(0, folds).Select(f => Enumerable.Range(0, labels.Length).Count(i => assigned[i] == f && labels[i] == label)).ToArray();
            Assert.InRange(perFold.Max() - perFold.Min(), 0, 1);
        }
        Assert.Equal(assigned, CrossValidation.Assign(labels, TaskKind.Binary, folds, Synthetic.Seed));
        Assert.NotEqual(assigned, CrossValidation.Assign(labels, TaskKind.Binary, folds, Synthetic.Seed.For("other")));
    }

    [Fact]
    public void Every_row_is_predicted_by_a_model_that_has_not_seen_it()
    {
        // Labels without any law: in-sample a wide network would know them, out of fold it cannot.
        var random = Synthetic.Seed.ToRandom();
        var data = new Dataset(Enumerable.Range(0, 400).Select(_ => (float)random.NextGaussian()).ToArray(), Enumerable.Range(0, 80).Select(_ => (float)random.NextInt32(2)).ToArray(), 5);
        var model = ModelFactory.Create(new MlpSection { Hidden = [64] }, 5, TaskKind.Binary, 2);
        var trainer = new Trainer(model, new TrainingSection { Optimizer = new AdamSection { LearningRate = 0.02 }, Epochs = 100 });
        var validated = CrossValidation.Run(trainer, data, 4, Synthetic.Seed, TestContext.Current.CancellationToken);
        var accuracy = Enumerable.Range(0, 80).Count(i => (validated.Outputs[2 * i + 1] > 0.5f ? 1 : 0) == data.Labels.Span[i]) / 80.0;
        Assert.InRange(accuracy, 0.3, 0.7);
        Assert.All(validated.Losses, loss => Assert.True(loss > 0.7));
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Synthetic.Seed.ToRandom());
        trainer.Train(parameters, data, null, new TrainerRequest { Seed = Synthetic.Seed }, TestContext.Current.CancellationToken);
        Assert.True(trainer.Loss(parameters, data) < 0.2);
    }

    [Fact]
    public void More_folds_than_rows_are_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => CrossValidation.Assign([0, 1, 0], TaskKind.Binary, 4, Synthetic.Seed));
}
