using Comity.Tensors.Randomness;

namespace Comity.Learning.Evaluation;

/// <summary>Judges a model's outputs where the records are: every metric with its interval, curves, and what is thin.</summary>
public static class Evaluator
{
    /// <summary>Judges outputs against labels.</summary>
    /// <param name="task">What the model was asked for.</param>
    /// <param name="classes">Names of the classes, for two the positive one last; empty for regression.</param>
    /// <param name="labels">True class index or value, shape [n].</param>
    /// <param name="outputs">Probabilities by class, shape [n·k] row-major (two columns for a binary label), or values, shape [n]; for texts the cost of each row's tokens in nats, and as labels how many these are; for tags <see cref="Tagging.TaggingOutputs"/>, and as labels how many tokens have one.</param>
    /// <param name="section">How to judge.</param>
    /// <param name="seed">Names the bootstrap's stream; derive it from study, repeat, model, site and split.</param>
    /// <param name="detailed">Whether intervals, curves and histograms are wanted besides values and counts.</param>
    /// <exception cref="ArgumentException">The lengths don't fit, a label is no class, or an output is no probability.</exception>
    /// <remarks>A model that gives NaN or infinity is an outcome: its metrics are NaN and a warning counts the rows.</remarks>
    public static Evaluated Evaluate(
        TaskKind task, IReadOnlyList<string> classes, ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs,
        EvaluationSection section, Seed seed, bool detailed = true)
    {
        ArgumentNullException.ThrowIfNull(section);
        JudgedRows.Guard(task, classes, labels, outputs);
        var warnings = new List<string>();
        EvaluationWarnings.AddThin(warnings, labels.Length);
        var counts = JudgedRows.ClassCounts(task, classes.Count, labels);
        if (task.HasClasses()) EvaluationWarnings.AddClasses(warnings, counts, classes);
        if (JudgedRows.NotFinite(outputs, labels.Length) is > 0 and var broken)
            return Undefined(task, labels.Length, counts, [.. warnings, EvaluationWarnings.Code(EvaluationWarnings.NotFinite, broken)]);

        var judge = WeightedMetrics.Of(task, classes.Count, labels, outputs, section);
        var values = judge.Measure();
        var (estimates, undefined) = Bootstrap.Run(judge, values, detailed ? section.Bootstrap : 0, section.Confidence, seed);
        var confusion = Confusion(task, classes.Count, labels, outputs, section.Threshold);
        if (detailed) SureProportions.Widen(estimates, judge.Names, confusion, section, warnings);
        AddUndefined(warnings, task, labels.Length, judge.Names, values, counts);

        var curves = detailed && labels.Length > 0;
        return new Evaluated
        {
            Rows = labels.Length,
            Metrics = InOrder(judge.Names, estimates),
            ClassCounts = counts,
            Confusion = confusion,
            Roc = curves && task == TaskKind.Binary ? RocCurve.Of(labels, outputs) : [],
            Calibration = curves && task.HasClasses() ? CalibrationCurve.Of(task, classes.Count, labels, outputs, section) : [],
            ScoreHistogram = curves && task == TaskKind.Binary ? Histogram(labels, outputs) : [],
            UndefinedResamples = undefined,
            Warnings = warnings,
        };
    }

    private static Evaluated Undefined(TaskKind task, int rows, int[] counts, List<string> warnings)
    {
        var names = MetricNames.Of(task);
        var nothing = new MetricEstimate(double.NaN, double.NaN, double.NaN);
        return new Evaluated { Rows = rows, Metrics = InOrder(names, Enumerable.Repeat(nothing, names.Count).ToArray()), ClassCounts = counts, Warnings = warnings };
    }

    private static void AddUndefined(List<string> warnings, TaskKind task, int rows, IReadOnlyList<string> names, double[] values, int[] counts)
    {
        if (rows == 0) return;
        for (var m = 0; m < values.Length; m++)
        {
            if (!double.IsNaN(values[m])) continue;
            if (names[m] == MetricNames.R2) warnings.Add(EvaluationWarnings.ConstantLabel);
            if (names[m] == MetricNames.EntityPrecision) warnings.Add(EvaluationWarnings.NothingTagged);
            if (names[m] == MetricNames.EntityRecall) warnings.Add(EvaluationWarnings.NoEntities);
            if (task == TaskKind.Binary && names[m] == MetricNames.Precision) warnings.Add(EvaluationWarnings.NothingCalledPositive);
        }
    }

    private static int[][] Confusion(TaskKind task, int classes, ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs, double threshold)
    {
        if (!task.HasClasses()) return [];
        var confusion = new int[classes][];
        for (var c = 0; c < classes; c++) confusion[c] = new int[classes];
        for (var i = 0; i < labels.Length; i++)
            confusion[(int)labels[i]][JudgedRows.Predicted(task, outputs.Slice(i * classes, classes), threshold)]++;
        return confusion;
    }

    private static int[][] Histogram(ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs)
    {
        const int bins = 20;
        int[][] counts = [new int[bins], new int[bins]];
        for (var i = 0; i < labels.Length; i++)
            counts[(int)labels[i]][Math.Clamp((int)(outputs[2 * i + 1] * bins), 0, bins - 1)]++;
        return counts;
    }

    internal static IReadOnlyDictionary<string, MetricEstimate> InOrder(IReadOnlyList<string> names, MetricEstimate[] estimates)
    {
        var metrics = new OrderedDictionary<string, MetricEstimate>(StringComparer.Ordinal);
        for (var m = 0; m < names.Count; m++) metrics.Add(names[m], estimates[m]);
        return metrics;
    }
}
