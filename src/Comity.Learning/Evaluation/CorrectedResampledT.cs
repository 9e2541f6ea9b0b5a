namespace Comity.Learning.Evaluation;

/// <summary>A mean over repeats of a study, with the uncertainty that overlapping training rows leave.</summary>
/// <param name="Repeats">J, the repeats behind it.</param>
/// <param name="Mean">Mean difference; NaN without repeats.</param>
/// <param name="StandardError">√((1/J + n_test/n_train) · s²); NaN below two repeats.</param>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end of the interval.</param>
/// <param name="P">Two-sided p of a mean of zero.</param>
public sealed record RepeatedDifference(int Repeats, double Mean, double StandardError, double Low, double High, double P);

/// <summary>The corrected resampled t-test for differences over repeated random splits (Nadeau and Bengio 2003).</summary>
/// <remarks>
/// "Inference for the generalization error", Machine Learning 52:239–281. Repeats share training rows, so that the ordinary
/// variance s²/J is far too small; the paper's correction adds n_test/n_train · s².
/// </remarks>
public static class CorrectedResampledT
{
    /// <summary>Tests whether the mean difference over the repeats is zero.</summary>
    /// <param name="differences">Candidate minus baseline in each repeat, shape [J]; NaN values are left out.</param>
    /// <param name="testToTraining">n_test / n_train ≥ 0.</param>
    /// <param name="confidence">Level of the interval, such as 0.95.</param>
    public static RepeatedDifference Test(IReadOnlyList<double> differences, double testToTraining, double confidence = 0.95)
    {
        ArgumentNullException.ThrowIfNull(differences);
        if (!(testToTraining >= 0 && double.IsFinite(testToTraining)))
            throw new ArgumentOutOfRangeException(nameof(testToTraining), testToTraining, "The ratio of test to training rows is finite and not negative.");
        if (!(confidence is > 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(confidence), confidence, "The confidence lies within (0, 1).");
        var known = differences.Where(d => !double.IsNaN(d)).ToArray();
        var repeats = known.Length;
        var mean = repeats == 0 ? double.NaN : known.Average();
        if (repeats < 2) return new RepeatedDifference(repeats, mean, double.NaN, double.NaN, double.NaN, double.NaN);

        var variance = known.Sum(d => (d - mean) * (d - mean)) / (repeats - 1);
        var error = Math.Sqrt((1.0 / repeats + testToTraining) * variance);
        var margin = StudentT.Quantile(0.5 + confidence / 2, repeats - 1) * error;
        var p = error > 0 ? StudentT.TwoSided(mean / error, repeats - 1) : mean == 0 ? 1 : 0;
        return new RepeatedDifference(repeats, mean, error, mean - margin, mean + margin, p);
    }
}
