using Comity.Learning.Evaluation;
using Comity.Tensors.Randomness;

namespace Comity.Learning.Tests.Evaluation;

/// <summary>What judging counts, against the metrics of the rows themselves.</summary>
public sealed class JudgedCountsTests
{
    [Theory]
    [InlineData(0.5)]
    [InlineData(0.3)]
    public void Called_positive_is_the_upper_half_of_the_bins_exactly(double threshold)
    {
        for (var i = 0; i <= 4000; i++)
        {
            var p = (float)(i / 4000.0);
            foreach (var bins in new[] { JudgedCounts.FewBins, JudgedCounts.ManyBins })
            {
                var bin = JudgedCounts.BinOf(p, threshold, bins);
                Assert.InRange(bin, 0, bins - 1);
                Assert.Equal(p >= threshold, bin >= bins / 2);
            }
        }
    }

    [Fact]
    public void Sums_give_the_metrics_of_the_rows()
    {
        var random = Seed.Of(3).For("outputs").ToRandom();
        const int rows = 800;
        var (labels, outputs) = (new float[rows], new float[2 * rows]);
        for (var i = 0; i < rows; i++)
        {
            labels[i] = random.NextDouble() < 0.4 ? 1 : 0;
            outputs[(2 * i) + 1] = (float)(1 / (1 + Math.Exp(-((2 * labels[i]) - 1) - (1.5 * random.NextGaussian()))));
            outputs[2 * i] = 1 - outputs[(2 * i) + 1];
        }
        var section = new EvaluationSection { Bootstrap = 0 };
        var judged = Evaluator.Evaluate(TaskKind.Binary, ["no", "yes"], labels, outputs, section, Seed.Of(1));
        var counted = JudgedCounts.Of(TaskKind.Binary, 2, labels, outputs, section, countsOnly: false);
        var (scores, losses) = (counted[0].Values, counted[1].Values);
        var bins = scores.Count / 2;
        Assert.Equal(rows, scores.Sum());
        for (var truth = 0; truth < 2; truth++)
        {
            Assert.Equal(judged.Confusion[truth][0], scores.Skip(truth * bins).Take(bins / 2).Sum());
            Assert.Equal(judged.Confusion[truth][1], scores.Skip((truth * bins) + (bins / 2)).Take(bins / 2).Sum());
        }
        Assert.Equal(judged.Metrics["logLoss"].Value, losses[0] / rows, 1e-9);
        Assert.Equal(judged.Metrics["brier"].Value, losses[2] / rows, 1e-9);
        double area = 0, below = 0;
        for (var bin = 0; bin < bins; bin++)
        {
            area += scores[bins + bin] * (below + (scores[bin] / 2));
            below += scores[bin];
        }
        Assert.Equal(judged.Metrics["rocAuc"].Value, area / below / (rows - below), 1e-3); // rows of one bin are ties
        Assert.Equal(["scores"], JudgedCounts.Of(TaskKind.Binary, 2, labels, outputs, section, countsOnly: true).Select(p => p.Name));
    }

    [Fact]
    public void A_row_without_finite_outputs_falls_nowhere_and_several_classes_are_a_confusion()
    {
        float[] outputs = [0.2f, 0.5f, 0.3f, float.NaN, 0, 1, 0.1f, 0.1f, 0.8f];
        var counted = JudgedCounts.Of(TaskKind.Multiclass, 3, [1, 2, 0], outputs, new EvaluationSection(), countsOnly: true);
        Assert.Equal([0, 0, 1, 0, 1, 0, 0, 0, 0], counted.Single().Values);
        Assert.Equal([2.0, 5, 17, 3], JudgedCounts.Of(TaskKind.Regression, 0, [1, 2], [2, 4], new EvaluationSection(), countsOnly: false).Single().Values);
        Assert.Empty(JudgedCounts.Of(TaskKind.Regression, 0, [1, 2], [2, 4], new EvaluationSection(), countsOnly: true));
    }
}
