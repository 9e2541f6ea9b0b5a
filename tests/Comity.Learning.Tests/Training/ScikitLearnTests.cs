using System.Text.Json;
using Comity.Learning.Models;
using Comity.Learning.Training;
using Comity.Learning.Training.Optimizers;

namespace Comity.Learning.Tests.Training;

/// <summary>Coefficients of scikit-learn on the same matrix, made by bench/rivals/sklearn_logistic.py.</summary>
public sealed class ScikitLearnTests
{
    [Fact]
    public void Logistic_regression_agrees_with_scikit_learn_to_a_thousandth() => Compare("sklearn-logistic", new LogisticSection(), TaskKind.Binary, 2);

    [Fact]
    public void Softmax_regression_agrees_with_scikit_learn_to_a_thousandth() => Compare("sklearn-softmax", new SoftmaxSection(), TaskKind.Multiclass, 3);

    private static void Compare(string name, ModelSection section, TaskKind task, int classes)
    {
        using var stream = typeof(ScikitLearnTests).Assembly.GetManifestResourceStream($"Comity.Learning.Tests.Training.Vectors.{name}.json")!;
        var vector = JsonDocument.Parse(stream).RootElement;
        var width = vector.GetProperty("width").GetInt32();
        float[] Floats(string key) => [.. vector.GetProperty(key).EnumerateArray().Select(v => v.GetSingle())];
        var rows = new Dataset(Floats("features"), Floats("labels"), width);
        var model = ModelFactory.Create(section, width, task, classes);
        var parameters = new float[model.Layout.Length];
        model.Initialise(parameters, Synthetic.Seed.ToRandom());
        var trainer = new Trainer(model, new TrainingSection { Optimizer = new LbfgsSection { Tolerance = 1e-7 }, Epochs = 500 });

        var result = trainer.Train(parameters, rows, null, new TrainerRequest { Seed = Synthetic.Seed }, TestContext.Current.CancellationToken);

        Assert.Equal(StopReasons.Converged, result.StoppedBy);
        var scores = vector.GetProperty("coefficients").GetArrayLength();
        for (var c = 0; c < scores; c++)
        {
            Assert.Equal(vector.GetProperty("intercepts")[c].GetDouble(), parameters[width * scores + c], 1e-3);
            for (var j = 0; j < width; j++) Assert.Equal(vector.GetProperty("coefficients")[c][j].GetDouble(), parameters[j * scores + c], 1e-3);
        }
        var outputs = new float[rows.Rows * classes];
        model.Predict(parameters, rows.Features.Span, rows.Rows, outputs);
        var right = Enumerable.Range(0, rows.Rows).Count(i => Array.IndexOf(outputs[(i * classes)..((i + 1) * classes)], outputs[(i * classes)..((i + 1) * classes)].Max()) == rows.Labels.Span[i]);
        Assert.Equal(vector.GetProperty("accuracy").GetDouble(), (double)right / rows.Rows, 1e-9);
    }
}
