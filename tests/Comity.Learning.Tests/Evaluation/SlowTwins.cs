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
}
