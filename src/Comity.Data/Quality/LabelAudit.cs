namespace Comity.Data.Quality;

/// <summary>A row whose label the other rows contradict.</summary>
/// <param name="Row">Position in the source, from 0.</param>
/// <param name="Given">The label it has, as a class index.</param>
/// <param name="Likely">The label it probably should have.</param>
/// <param name="Confidence">Out-of-fold probability of the likely class.</param>
/// <param name="GivenConfidence">Out-of-fold probability of the given class: the lower, the more suspicious.</param>
public sealed record SuspiciousLabel(int Row, int Given, int Likely, float Confidence, float GivenConfidence);

/// <summary>What an audit of labels found. Personal data: it stays at the site.</summary>
/// <param name="Rows">Rows audited.</param>
/// <param name="Suspicious">Rows to look at, most suspicious first.</param>
/// <param name="Joint">Estimated share of rows by given class (first index) and true class.</param>
/// <param name="Thresholds">Mean confidence in a class among the rows that carry it; NaN: none does.</param>
public sealed record LabelAuditResult(
    int Rows, IReadOnlyList<SuspiciousLabel> Suspicious, IReadOnlyList<IReadOnlyList<double>> Joint, IReadOnlyList<double> Thresholds)
{
    /// <summary>Estimated share of wrong labels.</summary>
    public double NoiseShare => Joint.Select((row, given) => row.Where((_, truth) => truth != given).Sum()).Sum();
}

/// <summary>Lists labels that a cross-validated classifier contradicts with confidence.</summary>
/// <remarks>
/// Northcutt, Jiang and Chuang 2021 (Confident Learning, arXiv:1911.00068): the threshold of class j is the mean of p̂(j) over rows
/// labelled j (eq. 2); a row counts for (given i, true j) when p̂(j) reaches that threshold, the largest such j standing
/// (eq. 1); calibrated to the given counts this estimates the joint (eq. 3). Rows off the diagonal are listed by
/// self-confidence. A threshold of its own for each class keeps a rare class from being called wrong as a whole.
/// The probabilities must come from models that did not see the row; the caller trains them.
/// </remarks>
public static class LabelAudit
{
    /// <summary>Audits labels.</summary>
    /// <param name="labels">Given classes, shape [n].</param>
    /// <param name="probabilities">Out-of-fold probabilities, shape [n·k], row by row.</param>
    /// <param name="classes">k.</param>
    /// <param name="rows">Position of each row in its source, shape [n].</param>
    /// <param name="list">Most rows listed.</param>
    /// <exception cref="ArgumentException">Shapes disagree, a label is no class, or a probability is not finite.</exception>
    public static LabelAuditResult Find(ReadOnlySpan<float> labels, ReadOnlySpan<float> probabilities, int classes, ReadOnlySpan<int> rows, int list = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        if (probabilities.Length != labels.Length * classes || rows.Length != labels.Length)
            throw new ArgumentException($"{labels.Length} labels need {labels.Length * classes} probabilities and as many rows.", nameof(probabilities));
        var (sums, counts) = (new double[classes], new double[classes]);
        for (var i = 0; i < labels.Length; i++)
        {
            var given = (int)labels[i];
            if (given < 0 || given >= classes || given != labels[i]) throw new ArgumentException($"The label {labels[i]} is not a class below {classes}.", nameof(labels));
            foreach (var p in probabilities.Slice(i * classes, classes))
                if (!float.IsFinite(p)) throw new ArgumentException("A probability is not finite; the classifier has diverged.", nameof(probabilities));
            sums[given] += probabilities[i * classes + given];
            counts[given]++;
        }
        var thresholds = new double[classes];
        for (var j = 0; j < classes; j++) thresholds[j] = counts[j] == 0 ? double.NaN : sums[j] / counts[j];
        var joint = new double[classes][];
        for (var j = 0; j < classes; j++) joint[j] = new double[classes];
        var suspicious = new List<SuspiciousLabel>();
        for (var i = 0; i < labels.Length; i++)
        {
            var (given, p, likely) = ((int)labels[i], i * classes, -1);
            for (var j = 0; j < classes; j++)
                if (probabilities[p + j] >= thresholds[j] && (likely < 0 || probabilities[p + j] > probabilities[p + likely])) likely = j;
            if (likely < 0) continue; // no class is confident: the row says nothing about labels
            joint[given][likely]++;
            if (likely != given) suspicious.Add(new SuspiciousLabel(rows[i], given, likely, probabilities[p + likely], probabilities[p + given]));
        }
        suspicious.Sort((a, b) => a.GivenConfidence != b.GivenConfidence ? a.GivenConfidence.CompareTo(b.GivenConfidence) : a.Row.CompareTo(b.Row));
        Calibrate(joint, counts, labels.Length);
        return new LabelAuditResult(labels.Length, suspicious[..Math.Min(list, suspicious.Count)], joint, thresholds);
    }

    private static void Calibrate(double[][] joint, double[] counts, int n)
    {
        for (var given = 0; given < joint.Length; given++)
        {
            var counted = joint[given].Sum();
            for (var truth = 0; truth < joint.Length; truth++)
                joint[given][truth] = n == 0 ? 0 : counted > 0 ? joint[given][truth] / counted * counts[given] / n : truth == given ? counts[given] / n : 0;
        }
    }
}
