using Comity.Tensors.Randomness;

namespace Comity.Learning.Evaluation;

/// <summary>How a model did within one group of a sensitive attribute.</summary>
/// <param name="Group">The attribute's value.</param>
/// <param name="Rows">Rows of the group.</param>
/// <param name="Metrics">Metrics by name; for two classes with <c>selectionRate</c>, <c>truePositiveRate</c> and <c>falsePositiveRate</c> besides.</param>
/// <param name="Warnings">What is thin or undefined within the group.</param>
public sealed record GroupEvaluated(string Group, int Rows, IReadOnlyDictionary<string, MetricEstimate> Metrics, IReadOnlyList<string> Warnings);

/// <summary>How a model did group by group, and how unequal that is.</summary>
/// <param name="Groups">The groups that have rows, in the order given.</param>
/// <param name="Fairness">Measures by name (<see cref="FairnessNames"/>) with intervals; empty unless there are two classes.</param>
/// <param name="Supports">By the same names: the fewest rows that a rate behind the measure stands on. A rate of three rows moves by a third with one of them.</param>
public sealed record GroupsEvaluated(
    IReadOnlyList<GroupEvaluated> Groups, IReadOnlyDictionary<string, MetricEstimate> Fairness, IReadOnlyDictionary<string, int> Supports);

/// <summary>Judges a model within the groups of a sensitive attribute.</summary>
public static class GroupEvaluation
{
    /// <summary>Judges group by group.</summary>
    /// <param name="task">What the model was asked for.</param>
    /// <param name="classes">Names of the classes, for two the positive one last; empty for regression.</param>
    /// <param name="labels">True class index or value, shape [n].</param>
    /// <param name="outputs">As in <see cref="Evaluator"/>, shape [n·k].</param>
    /// <param name="groups">Names of the groups.</param>
    /// <param name="groupOf">Index of each row's group, shape [n]; negative: unknown, the row is left out.</param>
    /// <param name="section">How to judge.</param>
    /// <param name="seed">Names the bootstrap's stream; each group derives its own by name.</param>
    /// <exception cref="ArgumentException">The lengths don't fit or a group index has no name.</exception>
    public static GroupsEvaluated Evaluate(
        TaskKind task, IReadOnlyList<string> classes, ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs,
        IReadOnlyList<string> groups, ReadOnlySpan<int> groupOf, EvaluationSection section, Seed seed)
    {
        ArgumentNullException.ThrowIfNull(groups);
        ArgumentNullException.ThrowIfNull(section);
        JudgedRows.Guard(task, classes, labels, outputs);
        if (groupOf.Length != labels.Length)
            throw new ArgumentException($"{labels.Length} rows need {labels.Length} group indices, not {groupOf.Length}.", nameof(groupOf));
        foreach (var g in groupOf)
        {
            if (g >= groups.Count) throw new ArgumentException($"Group {g} has no name: {groups.Count} are given.", nameof(groupOf));
        }

        var results = new List<GroupEvaluated>();
        for (var g = 0; g < groups.Count; g++)
        {
            var (ownLabels, ownOutputs) = RowsOf(g, labels, outputs, groupOf);
            if (ownLabels.Length > 0) results.Add(Judge(task, classes, ownLabels, ownOutputs, groups[g], section, seed.For("group", groups[g])));
        }
        if (task != TaskKind.Binary) return new GroupsEvaluated(results, new Dictionary<string, MetricEstimate>(), new Dictionary<string, int>());
        var judge = new FairnessMetrics(labels, outputs, groups.Count, groupOf, section.Threshold);
        var (estimates, _) = Bootstrap.Run(judge, judge.Measure(), section.Bootstrap, section.Confidence, seed.For("fairness"));
        return new GroupsEvaluated(results, Evaluator.InOrder(judge.Names, estimates), judge.Supports());
    }

    private static GroupEvaluated Judge(
        TaskKind task, IReadOnlyList<string> classes, float[] labels, float[] outputs, string group, EvaluationSection section, Seed seed)
    {
        var evaluated = Evaluator.Evaluate(task, classes, labels, outputs, section, seed);
        var metrics = evaluated.Metrics;
        if (task == TaskKind.Binary && evaluated.Confusion.Count == 2)
        {
            var (alarms, hits) = (evaluated.Confusion[0][1], evaluated.Confusion[1][1]);
            // Proportions of fixed counts: Wilson's interval needs no resampling.
            metrics = new OrderedDictionary<string, MetricEstimate>(metrics, StringComparer.Ordinal)
            {
                [FairnessNames.SelectionRate] = Share(alarms + hits, labels.Length, section.Confidence),
                [FairnessNames.TruePositiveRate] = Share(hits, evaluated.ClassCounts[1], section.Confidence),
                [FairnessNames.FalsePositiveRate] = Share(alarms, evaluated.ClassCounts[0], section.Confidence),
            };
        }
        return new GroupEvaluated(group, labels.Length, metrics, evaluated.Warnings);
    }

    private static MetricEstimate Share(int count, int rows, double confidence) => rows == 0
        ? new MetricEstimate(double.NaN, double.NaN, double.NaN)
        : SureProportions.Wilson((double)count / rows, rows, confidence);

    private static (float[] Labels, float[] Outputs) RowsOf(int group, ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs, ReadOnlySpan<int> groupOf)
    {
        var width = labels.Length == 0 ? 0 : outputs.Length / labels.Length;
        var (own, ownOutputs) = (new List<float>(), new List<float>());
        for (var i = 0; i < labels.Length; i++)
        {
            if (groupOf[i] != group) continue;
            own.Add(labels[i]);
            ownOutputs.AddRange(outputs.Slice(i * width, width));
        }
        return ([.. own], [.. ownOutputs]);
    }
}
