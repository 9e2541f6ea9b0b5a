namespace Comity.Learning.Evaluation;

/// <summary>Precision, recall and F1 over all classes from a confusion matrix.</summary>
/// <remarks>
/// As scikit-learn: averaged over the classes that occur in the labels or the predictions; a share with an empty
/// denominator counts 0 there. Balanced accuracy averages recall over the classes that occur in the labels.
/// </remarks>
internal readonly record struct ClassScores(
    double Accuracy, double MajorityShare, double BalancedAccuracy,
    double PrecisionMacro, double RecallMacro, double F1Macro,
    double PrecisionWeighted, double RecallWeighted, double F1Weighted)
{
    /// <param name="confusion">Counts by true class (row) and predicted class, shape [k·k].</param>
    /// <param name="classes">k.</param>
    public static ClassScores Of(ReadOnlySpan<long> confusion, int classes)
    {
        long total = 0, right = 0, largest = 0;
        int present = 0, occurring = 0;
        double precision = 0, recall = 0, f1 = 0, weightedPrecision = 0, weightedF1 = 0;
        for (var c = 0; c < classes; c++)
        {
            long truth = 0, predicted = 0;
            for (var other = 0; other < classes; other++)
            {
                truth += confusion[c * classes + other];
                predicted += confusion[other * classes + c];
            }
            var hits = confusion[c * classes + c];
            total += truth;
            right += hits;
            largest = Math.Max(largest, truth);
            if (truth > 0) present++;
            if (truth + predicted == 0) continue;
            occurring++;
            var classPrecision = predicted == 0 ? 0 : (double)hits / predicted;
            var classF1 = 2.0 * hits / (truth + predicted);
            precision += classPrecision;
            f1 += classF1;
            recall += truth == 0 ? 0 : (double)hits / truth;
            weightedPrecision += truth * classPrecision;
            weightedF1 += truth * classF1;
        }
        double n = total; // no rows: everything is 0 / 0
        return new ClassScores(right / n, largest / n, recall / present,
            precision / occurring, recall / occurring, f1 / occurring,
            weightedPrecision / n, right / n, weightedF1 / n);
    }
}
