using Comity.Tensors.Randomness;

namespace Comity.Learning.Evaluation;

/// <summary>Compares two models on the same rows, metric by metric, each by the test that fits it.</summary>
/// <remarks>
/// Accuracy: McNemar's mid-p. ROC AUC of two classes: DeLong. Everything else: paired bootstrap. p values are before any
/// correction for what is reported together.
/// </remarks>
public static class PairedComparison
{
    /// <summary>Candidate minus baseline.</summary>
    /// <param name="task">What the models were asked for.</param>
    /// <param name="classes">Names of the classes, for two the positive one last; empty for regression.</param>
    /// <param name="labels">True class index or value, shape [n].</param>
    /// <param name="baseline">The outputs to improve on, shape [n·k] as in <see cref="Evaluator"/>.</param>
    /// <param name="candidate">The outputs that may be better, same shape.</param>
    /// <param name="section">Resamples, confidence and threshold.</param>
    /// <param name="seed">Names the bootstrap's stream.</param>
    /// <exception cref="ArgumentException">The lengths don't fit, a label is no class, or an output is no probability.</exception>
    /// <remarks>Where a model gave NaN or infinity, or there are no rows, all differences are NaN.</remarks>
    public static Compared Compare(
        TaskKind task, IReadOnlyList<string> classes, ReadOnlySpan<float> labels, ReadOnlySpan<float> baseline, ReadOnlySpan<float> candidate,
        EvaluationSection section, Seed seed)
    {
        ArgumentNullException.ThrowIfNull(section);
        JudgedRows.Guard(task, classes, labels, baseline);
        JudgedRows.Guard(task, classes, labels, candidate);
        var names = MetricNames.ComparedFor(task);
        if (labels.Length == 0 || JudgedRows.NotFinite(baseline, labels.Length) + JudgedRows.NotFinite(candidate, labels.Length) > 0)
            return new Compared(labels.Length, [.. names.Select(name => MetricDifference.Undefined(name, TestOf(task, name)))]);

        var resampled = PairedBootstrap.Test(
            WeightedMetrics.Of(task, classes.Count, labels, baseline, section),
            WeightedMetrics.Of(task, classes.Count, labels, candidate, section),
            section.Bootstrap, section.Confidence, seed);
        var differences = new MetricDifference[names.Count];
        for (var m = 0; m < differences.Length; m++)
        {
            differences[m] = TestOf(task, names[m]) switch
            {
                McNemar.Name => Accuracy(task, classes.Count, labels, baseline, candidate, section),
                DeLong.Name => DeLong.Test(names[m], labels, Positive(baseline), Positive(candidate), section.Confidence),
                _ => resampled.Single(d => d.Metric == names[m]),
            };
        }
        return new Compared(labels.Length, differences);
    }

    private static string TestOf(TaskKind task, string metric) => metric switch
    {
        MetricNames.Accuracy => McNemar.Name,
        MetricNames.RocAuc when task == TaskKind.Binary => DeLong.Name,
        _ => PairedBootstrap.Name,
    };

    private static MetricDifference Accuracy(
        TaskKind task, int classes, ReadOnlySpan<float> labels, ReadOnlySpan<float> baseline, ReadOnlySpan<float> candidate, EvaluationSection section)
    {
        int lost = 0, gained = 0;
        for (var i = 0; i < labels.Length; i++)
        {
            var before = JudgedRows.Predicted(task, baseline.Slice(i * classes, classes), section.Threshold) == (int)labels[i];
            var after = JudgedRows.Predicted(task, candidate.Slice(i * classes, classes), section.Threshold) == (int)labels[i];
            if (before && !after) lost++;
            if (after && !before) gained++;
        }
        return McNemar.Test(MetricNames.Accuracy, lost, gained, labels.Length, section.Confidence);
    }

    private static float[] Positive(ReadOnlySpan<float> outputs)
    {
        var scores = new float[outputs.Length / 2];
        for (var i = 0; i < scores.Length; i++) scores[i] = outputs[2 * i + 1];
        return scores;
    }
}
