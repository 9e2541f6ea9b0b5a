using Comity.Learning.Evaluation;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Evaluation;

public sealed class MetricTests
{
    private static readonly string[] NoYes = ["no", "yes"];
    private static readonly EvaluationSection Section = new();

    [Fact]
    public void Every_binary_metric_agrees_with_scikit_learn()
    {
        var vector = EvaluationVectors.Of("binary");
        var labels = vector.GetProperty("labels").Floats();
        var outputs = EvaluationVectors.BothClasses(vector.GetProperty("probabilities").Floats());

        var evaluated = Evaluator.Evaluate(TaskKind.Binary, NoYes, labels, outputs, Section, Seed.Of(1));

        AssertAgree(vector.GetProperty("metrics"), evaluated);
        Assert.Equal(MetricNames.Of(TaskKind.Binary), evaluated.Metrics.Keys);
        Assert.Equal(vector.GetProperty("confusion").EnumerateArray().Select(r => string.Join(' ', r.EnumerateArray())), evaluated.Confusion.Select(r => string.Join(' ', r)));
    }

    [Fact]
    public void Every_multiclass_metric_agrees_with_scikit_learn_even_with_a_class_that_has_no_rows()
    {
        var vector = EvaluationVectors.Of("multiclass");

        var evaluated = Evaluator.Evaluate(TaskKind.Multiclass, ["a", "b", "c", "d"],
            vector.GetProperty("labels").Floats(), vector.GetProperty("probabilities").Floats(), Section, Seed.Of(1));

        AssertAgree(vector.GetProperty("metrics"), evaluated);
        Assert.Equal(MetricNames.Of(TaskKind.Multiclass), evaluated.Metrics.Keys);
        Assert.Equal(vector.GetProperty("confusion").EnumerateArray().Select(r => string.Join(' ', r.EnumerateArray())), evaluated.Confusion.Select(r => string.Join(' ', r)));
        Assert.Contains("few-of-class:0:d", evaluated.Warnings);
    }

    [Fact]
    public void Every_regression_metric_agrees_with_scikit_learn()
    {
        var vector = EvaluationVectors.Of("regression");

        var evaluated = Evaluator.Evaluate(TaskKind.Regression, [],
            vector.GetProperty("labels").Floats(), vector.GetProperty("predictions").Floats(), Section, Seed.Of(1));

        AssertAgree(vector.GetProperty("metrics"), evaluated);
        Assert.Equal(MetricNames.Of(TaskKind.Regression), evaluated.Metrics.Keys);
        Assert.Empty(evaluated.Confusion);
        Assert.Equal(["thin-test:25"], evaluated.Warnings);
    }

    [Fact]
    public void Calibration_agrees_with_the_published_vector()
    {
        // shared/reference/test-vectors.json, "calibration"
        float[] confidence = [0.55f, 0.62f, 0.68f, 0.71f, 0.79f, 0.83f, 0.88f, 0.91f, 0.95f, 0.99f];
        float[] correct = [1, 0, 1, 1, 0, 1, 1, 1, 1, 1];

        var metrics = Evaluator.Evaluate(TaskKind.Binary, NoYes, correct, EvaluationVectors.BothClasses(confidence), Section, Seed.Of(1)).Metrics;

        Assert.Equal(0.169, metrics["ece"].Value, 7);
        Assert.Equal(0.45, metrics["mce"].Value, 7);
        Assert.Equal(0.14515, metrics["brier"].Value, 7);
        Assert.Equal(0.43240388244544264, metrics["logLoss"].Value, 7);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(11)]
    [InlineData(400)]
    public void Roc_auc_is_the_share_of_pairs_in_the_right_order(int levels)
    {
        var random = Seed.Of(5).For("auc", levels).ToRandom();
        var labels = new float[150];
        var scores = new float[150];
        for (var i = 0; i < 150; i++) (labels[i], scores[i]) = (random.NextInt32(2), random.NextInt32(levels) / (float)levels);

        var evaluated = Evaluator.Evaluate(TaskKind.Binary, NoYes, labels, EvaluationVectors.BothClasses(scores), Section, Seed.Of(1));

        Assert.Equal(SlowTwins.RocAuc(labels, scores), evaluated.Metrics["rocAuc"].Value, 12);
        Assert.Equal(SlowTwins.AveragePrecision(labels, scores), evaluated.Metrics["prAuc"].Value, 12);
        Assert.Equal(evaluated.Metrics["rocAuc"].Value, SlowTwins.Area(evaluated.Roc), 12); // few enough rows: no corner is left out
    }

    [Fact]
    public void A_long_roc_curve_is_thinned_without_changing_its_area_visibly()
    {
        var random = Seed.Of(6).ToRandom();
        var labels = new float[20_000];
        var scores = new float[20_000];
        for (var i = 0; i < labels.Length; i++)
        {
            labels[i] = random.NextInt32(2);
            scores[i] = (float)(1 / (1 + Math.Exp(-random.NextGaussian() - labels[i])));
        }

        var evaluated = Evaluator.Evaluate(TaskKind.Binary, NoYes, labels, EvaluationVectors.BothClasses(scores), Section with { Bootstrap = 0 }, Seed.Of(1));

        Assert.InRange(evaluated.Roc.Count, 100, 200);
        Assert.Equal(new CurveSample(0, 0, 0), evaluated.Roc[0]);
        Assert.Equal(new CurveSample(1, 1, 20_000), evaluated.Roc[^1]);
        Assert.Equal(evaluated.Metrics["rocAuc"].Value, SlowTwins.Area(evaluated.Roc), 0.0005);
        Assert.Equal(20_000, evaluated.ScoreHistogram.Sum(c => c.Sum()));
    }

    [Fact]
    public void Bins_of_equal_count_hold_equally_many_rows_and_keep_ties_together()
    {
        float[] scores = [0.1f, 0.1f, 0.1f, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f];
        float[] labels = [0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1];
        var section = Section with { CalibrationBins = 4, CalibrationBinning = CalibrationBinning.EqualCount };

        var curve = Evaluator.Evaluate(TaskKind.Binary, NoYes, labels, EvaluationVectors.BothClasses(scores), section, Seed.Of(1)).Calibration;

        Assert.Equal([4, 2, 3, 3], curve.Select(p => p.Rows));
        Assert.Equal(0.25, curve[0].Y);
        Assert.Equal(0.8, curve[3].X, 6);
    }

    [Fact]
    public void With_one_class_nothing_that_compares_classes_is_stated()
    {
        var evaluated = Evaluator.Evaluate(TaskKind.Binary, NoYes, [1, 1, 1], EvaluationVectors.BothClasses([0.9f, 0.2f, 0.7f]), Section, Seed.Of(1));

        Assert.Equal(["thin-test:3", "one-class", "few-negatives:0", "few-positives:3"], evaluated.Warnings);
        Assert.True(double.IsNaN(evaluated.Metrics["rocAuc"].Value));
        Assert.True(double.IsNaN(evaluated.Metrics["specificity"].Value));
        Assert.Empty(evaluated.Roc);
        Assert.Equal(2.0 / 3, evaluated.Metrics["accuracy"].Value, 12);
        Assert.Equal(1, evaluated.Metrics["majorityShare"].Value);
    }

    [Fact]
    public void No_rows_and_broken_models_are_outcomes()
    {
        var nothing = Evaluator.Evaluate(TaskKind.Multiclass, ["a", "b", "c"], [], [], Section, Seed.Of(1));
        var broken = Evaluator.Evaluate(TaskKind.Binary, NoYes, [0, 1], [float.NaN, float.NaN, 0.5f, 0.5f], Section, Seed.Of(1));

        Assert.Equal(["no-rows"], nothing.Warnings);
        Assert.All(nothing.Metrics.Values, m => Assert.True(double.IsNaN(m.Value)));
        Assert.Contains("not-finite:1", broken.Warnings);
        Assert.All(broken.Metrics.Values, m => Assert.True(double.IsNaN(m.Value)));
        Assert.Equal([1, 1], broken.ClassCounts);
    }

    [Theory]
    [InlineData(2f, 0.5f)]
    [InlineData(0.5f, 0.5f)]
    [InlineData(float.NaN, 0.5f)]
    [InlineData(1f, 1.5f)]
    [InlineData(1f, -3f)]
    public void A_label_that_is_no_class_and_an_output_that_is_no_probability_are_refused(float label, float output) =>
        Assert.Throws<ArgumentException>(() => Evaluator.Evaluate(TaskKind.Binary, NoYes, [label], [0.5f, output], Section, Seed.Of(1)));

    [Fact]
    public void Outputs_that_do_not_fit_the_rows_are_refused() =>
        Assert.Throws<ArgumentException>(() => Evaluator.Evaluate(TaskKind.Binary, NoYes, [0, 1], [0.5f, 0.5f], Section, Seed.Of(1)));

    private static void AssertAgree(System.Text.Json.JsonElement expected, Evaluated evaluated)
    {
        Assert.Subset(evaluated.Metrics.Keys.ToHashSet(), expected.EnumerateObject().Select(p => p.Name).ToHashSet());
        Assert.Equal(evaluated.Metrics.Count, expected.EnumerateObject().Count());
        Assert.All(expected.EnumerateObject(), p => Assert.Equal(p.Value.GetDouble(), evaluated.Metrics[p.Name].Value, 1e-9));
    }
}
