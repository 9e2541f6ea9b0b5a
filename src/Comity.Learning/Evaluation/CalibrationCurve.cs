namespace Comity.Learning.Evaluation;

/// <summary>Observed share against mean predicted probability, bin by bin.</summary>
internal static class CalibrationCurve
{
    /// <summary>A point for each bin that holds rows, by rising probability.</summary>
    public static CurveSample[] Of(TaskKind task, int classes, ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs, EvaluationSection section)
    {
        var probability = new float[labels.Length];
        var happened = new bool[labels.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            var p = outputs.Slice(i * classes, classes);
            var judged = task == TaskKind.Binary ? 1 : MulticlassMetrics.Predicted(p);
            (probability[i], happened[i]) = (p[judged], (int)labels[i] == judged);
        }
        var bins = CalibrationBins.Assign(probability, section.CalibrationBins, section.CalibrationBinning);
        var sums = new (double Probability, int Happened, int Rows)[section.CalibrationBins];
        for (var i = 0; i < bins.Length; i++)
        {
            ref var bin = ref sums[bins[i]];
            bin = (bin.Probability + probability[i], bin.Happened + (happened[i] ? 1 : 0), bin.Rows + 1);
        }
        return [.. sums.Where(s => s.Rows > 0).Select(s => new CurveSample(s.Probability / s.Rows, (double)s.Happened / s.Rows, s.Rows))];
    }
}
