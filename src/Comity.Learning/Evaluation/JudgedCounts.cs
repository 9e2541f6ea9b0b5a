namespace Comity.Learning.Evaluation;

/// <summary>Some of what judging found, as numbers that add up over sites.</summary>
/// <param name="Name">What is counted.</param>
/// <param name="Values">The numbers.</param>
/// <param name="Whole">Whether they are counts, of which a row falls into one at most; else sums.</param>
public sealed record JudgedPart(string Name, IReadOnlyList<double> Values, bool Whole);

/// <summary>Judges a model in counts and sums over rows, from which metrics of all sites together follow.</summary>
/// <remarks>
/// <c>scores</c> (two classes): rows by true class and bin of the score, [2·B], the upper half of the bins called positive · <c>confusion</c> (several): rows by true and
/// predicted class, [k·k] · <c>losses</c>: Σ log loss, its squares, Σ Brier, its squares · <c>calibration</c> (bins of equal width only, as others
/// need all rows): for each of B bins of the judged probability q its rows, those where it came true (h), Σq and Σ(q − h)², [4·B]; q is the positive class's, or of several classes the predicted one's ·
/// <c>errors</c> (a number): rows, Σe², Σe⁴, Σ|e|.
/// Bins have equal width in the logit around the threshold's, so that they are fine where scores crowd at 0 and 1.
/// </remarks>
public static class JudgedCounts
{
    /// <summary>Bins where noise is added to each: few, so that little of it adds up.</summary>
    public const int FewBins = 20;

    /// <summary>Bins where none is.</summary>
    public const int ManyBins = 400;

    private const double Reach = 8; // in logits: a probability of 0.0003 to 0.9997

    /// <summary>Counts a model's outputs.</summary>
    /// <param name="task">What the model was asked for.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="labels">True class index or value, shape [n].</param>
    /// <param name="outputs">As in <see cref="Evaluator"/>.</param>
    /// <param name="section">How to judge.</param>
    /// <param name="countsOnly">Whether sums are left out, which no row's bound limits.</param>
    /// <returns>Empty for texts and tags. A row whose outputs are not finite is counted nowhere.</returns>
    public static IReadOnlyList<JudgedPart> Of(TaskKind task, int classes, ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs, EvaluationSection section, bool countsOnly)
    {
        ArgumentNullException.ThrowIfNull(section);
        if (task == TaskKind.Regression) return countsOnly ? [] : [Errors(labels, outputs)];
        if (task is not (TaskKind.Binary or TaskKind.Multiclass)) return [];
        var bins = countsOnly ? FewBins : ManyBins;
        var counts = new double[task == TaskKind.Binary ? 2 * bins : classes * classes];
        var losses = new double[4];
        for (var i = 0; i < labels.Length; i++)
        {
            var p = outputs.Slice(i * classes, classes);
            if (!Finite(p)) continue;
            var truth = (int)labels[i];
            counts[task == TaskKind.Binary ? (truth * bins) + BinOf(p[1], section.Threshold, bins) : (truth * classes) + MulticlassMetrics.Predicted(p)]++;
            var (loss, square) = (task == TaskKind.Binary ? ProbabilityLoss.OfPositive(p[1], truth == 1) : ProbabilityLoss.Of(p, truth), Square(p, truth, task));
            losses[0] += loss;
            losses[1] += loss * loss;
            losses[2] += square;
            losses[3] += square * square;
        }
        var counted = new JudgedPart(task == TaskKind.Binary ? "scores" : "confusion", counts, Whole: true);
        if (countsOnly) return [counted];
        var summed = new JudgedPart("losses", losses, Whole: false);
        return section.CalibrationBinning == CalibrationBinning.EqualWidth ? [counted, summed, new JudgedPart("calibration", Calibration(task, classes, labels, outputs, section), Whole: false)] : [counted, summed];
    }

    /// <summary>The bin of a probability: the upper half from the threshold on.</summary>
    internal static int BinOf(float p, double threshold, int bins)
    {
        var half = bins / 2;
        var away = Math.Abs(Logit(p) - Logit(threshold)) / Reach * half;
        var steps = double.IsFinite(away) ? (int)Math.Min(away, half - 1) : half - 1;
        return p >= threshold ? half + steps : half - 1 - steps;
    }

    private static double Logit(double p) => Math.Log(p / (1 - p));

    private static bool Finite(ReadOnlySpan<float> values)
    {
        foreach (var value in values)
        {
            if (!float.IsFinite(value)) return false;
        }
        return true;
    }

    private static double Square(ReadOnlySpan<float> p, int truth, TaskKind task)
    {
        if (task == TaskKind.Binary) return ((double)p[1] - truth) * ((double)p[1] - truth);
        var sum = 0.0;
        for (var c = 0; c < p.Length; c++) sum += (p[c] - (c == truth ? 1.0 : 0.0)) * (p[c] - (c == truth ? 1.0 : 0.0));
        return sum;
    }

    private static double[] Calibration(TaskKind task, int classes, ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs, EvaluationSection section)
    {
        var bins = section.CalibrationBins;
        var sums = new double[4 * bins];
        for (var i = 0; i < labels.Length; i++)
        {
            var p = outputs.Slice(i * classes, classes);
            if (!Finite(p)) continue;
            var judged = task == TaskKind.Binary ? 1 : MulticlassMetrics.Predicted(p);
            var (bin, happened) = (CalibrationBins.OfEqualWidth(p[judged], bins), (int)labels[i] == judged ? 1.0 : 0);
            sums[bin]++;
            sums[bins + bin] += happened;
            sums[(2 * bins) + bin] += p[judged];
            sums[(3 * bins) + bin] += (p[judged] - happened) * (p[judged] - happened);
        }
        return sums;
    }

    private static JudgedPart Errors(ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs)
    {
        var sums = new double[4];
        for (var i = 0; i < labels.Length; i++)
        {
            if (!float.IsFinite(outputs[i])) continue;
            var error = (double)outputs[i] - labels[i];
            sums[0]++;
            sums[1] += error * error;
            sums[2] += error * error * error * error;
            sums[3] += Math.Abs(error);
        }
        return new JudgedPart("errors", sums, Whole: false);
    }
}
