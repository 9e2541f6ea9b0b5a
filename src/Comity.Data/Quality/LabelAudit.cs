using Comity.Data.Cleaning;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Shared;
using Comity.Data.Splits;
using Comity.Data.Tables;
using Comity.Tensors.Randomness;

namespace Comity.Data.Quality;

/// <summary>Trains on some rows and gives each held row's probability by class, shape [n·k], row by row.</summary>
/// <param name="training">Rows to learn from.</param>
/// <param name="held">Rows to judge; their labels must not be looked at.</param>
/// <param name="form">What a row holds.</param>
/// <param name="fold">Fold, from 0.</param>
public delegate float[] FoldClassifier(EncodedRows training, EncodedRows held, InputForm form, int fold);

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
    /// <summary>Cross-validates at the site and audits its labels; preprocessing is fitted on each fold's training rows only.</summary>
    /// <param name="table">The site's records; their label must be of classes.</param>
    /// <param name="sections">The study's sections on records.</param>
    /// <param name="audit">Folds, and how many rows are listed.</param>
    /// <param name="study">Seed of the study.</param>
    /// <param name="classify">The classifier; Learning's, given by the caller.</param>
    /// <exception cref="ArgumentException">The label is a number, or the classifier's answer has the wrong shape.</exception>
    public static LabelAuditResult Run(RecordTable table, DataSections sections, LabelAuditSection audit, Seed study, FoldClassifier classify)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(sections);
        ArgumentNullException.ThrowIfNull(audit);
        ArgumentNullException.ThrowIfNull(classify);
        var classes = sections.Contract.Label.ClassNames.Count;
        if (classes == 0) throw new ArgumentException("A numeric label has no classes to audit; remove labelAudit from the study.", nameof(sections));
        var own = sections.Preprocess with { Statistics = StatisticsFrom.Site, Selection = null };
        var agreed = SharedStatistics.None;
        int[] all = [.. Enumerable.Range(0, table.Rows)];
        foreach (var step in SharedStatistics.Steps(sections.Contract, own)) agreed = agreed.And(SharedStatistics.Collect(step, table, all, sections.Contract, own, agreed));
        var probabilities = new float[table.Rows * classes];
        for (var fold = 0; fold < audit.Folds; fold++)
        {
            var parts = Splitter.Split(table, new SplitSection { Kfold = audit.Folds }, study.For("label-audit"), fold);
            if (parts.Test.Length == 0) continue; // fewer rows than folds
            var preprocessing = Preprocessing.FitSite(sections.Contract, own, agreed, table, parts.Training, sections.Clean);
            var given = classify(preprocessing.Encode(table, parts.Training), preprocessing.Encode(table, parts.Test), preprocessing.Form, fold);
            if (given.Length != parts.Test.Length * classes)
                throw new ArgumentException($"{parts.Test.Length} rows and {classes} classes need {parts.Test.Length * classes} probabilities, not {given.Length}.", nameof(classify));
            for (var i = 0; i < parts.Test.Length; i++) given.AsSpan(i * classes, classes).CopyTo(probabilities.AsSpan(parts.Test[i] * classes));
        }
        return Find(table.LabelValues, probabilities, classes, table.SourceRowNumbers, audit.List);
    }

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
