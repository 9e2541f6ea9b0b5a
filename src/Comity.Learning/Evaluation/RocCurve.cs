namespace Comity.Learning.Evaluation;

/// <summary>The ROC curve of two classes, with exact ends and few enough points to draw and to send.</summary>
internal static class RocCurve
{
    private const int MostPoints = 200;

    /// <summary>Points from (0, 0) to (1, 1), or none where a class is missing.</summary>
    public static CurveSample[] Of(ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs)
    {
        var score = new float[labels.Length];
        for (var i = 0; i < score.Length; i++) score[i] = outputs[2 * i + 1];
        var (row, end) = RankedRows.Falling(score);
        var corners = new List<(long False, long True)> { (0, 0) };
        long alarms = 0, hits = 0;
        var at = 0;
        foreach (var stop in end)
        {
            for (; at < stop; at++) _ = labels[row[at]] > 0 ? hits++ : alarms++;
            // A point on the straight line between its neighbours changes nothing.
            while (corners.Count > 1 && OnLine(corners[^2], corners[^1], (alarms, hits))) corners.RemoveAt(corners.Count - 1);
            corners.Add((alarms, hits));
        }
        if (hits == 0 || alarms == 0) return [];
        return Thin(corners, alarms, hits);
    }

    private static bool OnLine((long False, long True) a, (long False, long True) b, (long False, long True) c) =>
        (b.False - a.False) * (c.True - b.True) == (b.True - a.True) * (c.False - b.False);

    /// <summary>Keeps points at even steps of x + y along the curve: each piece left out fits in a box of 0.01 by 0.01.</summary>
    private static CurveSample[] Thin(List<(long False, long True)> corners, long negatives, long positives)
    {
        var points = new List<CurveSample>(Math.Min(corners.Count, MostPoints));
        var every = corners.Count <= MostPoints;
        for (var i = 0; i < corners.Count; i++)
        {
            var (x, y) = ((double)corners[i].False / negatives, (double)corners[i].True / positives);
            // The step reached by the next point tells whether this is the last one within its step.
            var last = i + 1 == corners.Count || Step(i + 1) > Step(i);
            if (every || last || i == 0) points.Add(new CurveSample(x, y, (int)(corners[i].False + corners[i].True)));
        }
        return points.ToArray();

        int Step(int i) => (int)(((double)corners[i].False / negatives + (double)corners[i].True / positives) * ((MostPoints - 2) / 2.0));
    }
}
