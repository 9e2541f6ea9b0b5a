using Comity.Learning.Evaluation;

namespace Comity.Learning.Tests.Evaluation;

/// <summary>The definitions, written down without any cleverness.</summary>
internal static class SlowTwins
{
    /// <summary>Share of (positive, negative) pairs in the right order, ties half: O(n²).</summary>
    public static double RocAuc(float[] labels, float[] scores)
    {
        double right = 0, pairs = 0;
        for (var i = 0; i < labels.Length; i++)
        {
            for (var j = 0; j < labels.Length; j++)
            {
                if (!(labels[i] == 1 && labels[j] == 0)) continue;
                pairs++;
                right += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
            }
        }
        return right / pairs;
    }

    /// <summary>Σ (R_i − R_{i−1}) P_i over distinct thresholds, each recounted from scratch.</summary>
    public static double AveragePrecision(float[] labels, float[] scores)
    {
        double sum = 0, recallBefore = 0;
        foreach (var threshold in scores.Distinct().OrderDescending())
        {
            double hits = labels.Where((y, i) => scores[i] >= threshold && y == 1).Count();
            var recall = hits / labels.Count(y => y == 1);
            sum += (recall - recallBefore) * (hits / scores.Count(s => s >= threshold));
            recallBefore = recall;
        }
        return sum;
    }

    /// <summary>Area under a curve by trapezoids.</summary>
    public static double Area(IReadOnlyList<CurveSample> curve) =>
        Enumerable.Range(1, curve.Count - 1).Sum(i => (curve[i].X - curve[i - 1].X) * (curve[i].Y + curve[i - 1].Y) / 2);

    /// <summary>Standard error of the difference of two AUCs by DeLong's definition: covariances of the components over all pairs.</summary>
    public static double DeLongError(float[] labels, float[] one, float[] two)
    {
        var positives = Enumerable.Range(0, labels.Length).Where(i => labels[i] == 1).ToArray();
        var negatives = Enumerable.Range(0, labels.Length).Where(i => labels[i] == 0).ToArray();
        double V10(float[] s, int i) => negatives.Average(j => Order(s[i], s[j]));
        double V01(float[] s, int j) => positives.Average(i => Order(s[i], s[j]));
        double Covariance(int[] rows, Func<int, double> a, Func<int, double> b) =>
            rows.Sum(r => (a(r) - rows.Average(a)) * (b(r) - rows.Average(b))) / (rows.Length - 1);
        double S(float[] a, float[] b) =>
            Covariance(positives, i => V10(a, i), i => V10(b, i)) / positives.Length
            + Covariance(negatives, j => V01(a, j), j => V01(b, j)) / negatives.Length;
        return Math.Sqrt(S(one, one) + S(two, two) - 2 * S(one, two));
    }

    private static double Order(float positive, float negative) => positive > negative ? 1 : positive == negative ? 0.5 : 0;
}
