using Comity.Learning.Tagging;

namespace Comity.Learning.Evaluation;

/// <summary>What labels and outputs must look like, and what a model predicts by them.</summary>
internal static class JudgedRows
{
    /// <summary>Rounding that a softmax in single precision may leave outside [0, 1].</summary>
    private const float Slack = 1e-4f;

    public static void Guard(TaskKind task, IReadOnlyList<string> classes, ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs)
    {
        ArgumentNullException.ThrowIfNull(classes);
        var width = WidthOf(task, classes.Count);
        if (task == TaskKind.Binary && width != 2) throw new ArgumentException($"A binary label has 2 classes, not {width}.", nameof(classes));
        if (task == TaskKind.Multiclass && width < 2) throw new ArgumentException("A label of several classes has at least 2.", nameof(classes));
        if (outputs.Length != labels.Length * width)
            throw new ArgumentException($"{labels.Length} rows need {labels.Length * width} outputs, not {outputs.Length}.", nameof(outputs));
        for (var i = 0; i < labels.Length; i++)
        {
            if (task.IsByToken() && !(labels[i] >= 1 && labels[i] == MathF.Floor(labels[i]))) throw new ArgumentException($"Row {i} holds {labels[i]} tokens to predict; at least one was expected.", nameof(labels));
            if (!task.HasClasses() ? !float.IsFinite(labels[i]) : !(labels[i] >= 0 && labels[i] < width && labels[i] == (int)labels[i]))
                throw new ArgumentException($"The label of row {i} is {labels[i]}: {(!task.HasClasses() ? "it must be finite" : $"it must be a class from 0 to {width - 1}")}.", nameof(labels));
        }
        if (!task.HasClasses()) return;
        foreach (var p in outputs)
        {
            if (p is < -Slack or > 1 + Slack) throw new ArgumentException($"The output {p} is no probability; apply sigmoid or softmax first.", nameof(outputs));
        }
    }

    /// <summary>Outputs of a row.</summary>
    private static int WidthOf(TaskKind task, int classes) => task == TaskKind.Tagging ? TaggingOutputs.Count : !task.HasClasses() ? 1 : classes;

    public static int[] ClassCounts(TaskKind task, int classes, ReadOnlySpan<float> labels)
    {
        if (!task.HasClasses()) return [];
        var counts = new int[classes];
        foreach (var label in labels) counts[(int)label]++;
        return counts;
    }

    /// <summary>Rows with an output that is NaN or infinite.</summary>
    public static int NotFinite(ReadOnlySpan<float> outputs, int rows)
    {
        if (rows == 0) return 0;
        var width = outputs.Length / rows;
        var broken = 0;
        for (var i = 0; i < rows; i++)
        {
            foreach (var x in outputs.Slice(i * width, width))
            {
                if (float.IsFinite(x)) continue;
                broken++;
                break;
            }
        }
        return broken;
    }

    /// <summary>The class called: for two classes the positive one from the threshold on, otherwise the most probable.</summary>
    public static int Predicted(TaskKind task, ReadOnlySpan<float> probabilities, double threshold) =>
        task == TaskKind.Binary ? probabilities[1] >= threshold ? 1 : 0 : MulticlassMetrics.Predicted(probabilities);
}
