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
        double called = 0, hits = 0, precision = 0;
        for (var bin = bins - 1; bin >= 0; bin--)
        {
            (called, hits) = (called + scores[bin] + scores[bins + bin], hits + scores[bins + bin]);
            if (called > 0) precision += scores[bins + bin] * hits / called;
        }
        Assert.Equal(judged.Metrics["prAuc"].Value, precision / hits, 2e-3); // rows of one bin are ties
        HasCalibration(judged, counted[2].Values, section.CalibrationBins);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(10)]
    public void Sums_by_bin_are_the_calibration_of_the_rows_in_parts_and_together(int bins)
    {
        var random = Seed.Of(5).For("outputs").ToRandom();
        const int rows = 900, classes = 3;
        var (labels, outputs) = (new float[rows], new float[classes * rows]);
        for (var i = 0; i < rows; i++)
        {
            labels[i] = random.NextInt32(classes);
            var logits = Enumerable.Range(0, classes).Select(c => Math.Exp((c == labels[i] ? 1 : 0) + (1.5 * random.NextGaussian()))).ToArray();
            for (var c = 0; c < classes; c++) outputs[(i * classes) + c] = (float)(logits[c] / logits.Sum());
        }
        var section = new EvaluationSection { Bootstrap = 0, CalibrationBins = bins };
        var judged = Evaluator.Evaluate(TaskKind.Multiclass, ["a", "b", "c"], labels, outputs, section, Seed.Of(1));
        IReadOnlyList<double> Part(int from, int to) => JudgedCounts.Of(TaskKind.Multiclass, classes, labels.AsSpan(from, to - from), outputs.AsSpan(from * classes, (to - from) * classes), section, countsOnly: false).Single(p => p.Name == "calibration").Values;
        HasCalibration(judged, [.. Part(0, 250).Zip(Part(250, rows), (a, b) => a + b)], bins);
        // Bins of equally many rows are cut by all rows together, which nobody holds.
        var equal = section with { CalibrationBinning = CalibrationBinning.EqualCount };
        Assert.DoesNotContain(JudgedCounts.Of(TaskKind.Multiclass, classes, labels, outputs, equal, countsOnly: false), p => p.Name == "calibration");
    }

    private static void HasCalibration(Evaluated judged, IReadOnlyList<double> sums, int bins)
    {
        var filled = Enumerable.Range(0, bins).Where(b => sums[b] > 0).ToList();
        double Gap(int b) => Math.Abs(sums[(2 * bins) + b] - sums[bins + b]);
        Assert.Equal(judged.Rows, filled.Sum(b => sums[b]));
        Assert.Equal(judged.Metrics["ece"].Value, filled.Sum(Gap) / judged.Rows, 1e-6);
        Assert.Equal(judged.Metrics["mce"].Value, filled.Max(b => Gap(b) / sums[b]), 1e-6);
        Assert.Equal([.. judged.Calibration.Select(p => (p.Rows, Math.Round(p.X, 5), Math.Round(p.Y, 5)))], filled.Select(b => ((int)sums[b], Math.Round(sums[(2 * bins) + b] / sums[b], 5), Math.Round(sums[bins + b] / sums[b], 5))));
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
