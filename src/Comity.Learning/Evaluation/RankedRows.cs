namespace Comity.Learning.Evaluation;

/// <summary>Rows in the order of their scores.</summary>
internal static class RankedRows
{
    /// <summary>Rows by falling score (ties in the order given), and the end of each run of equal scores.</summary>
    public static (int[] Row, int[] End) Falling(ReadOnlySpan<float> scores)
    {
        var key = new (float Negated, int Row)[scores.Length];
        for (var i = 0; i < key.Length; i++) key[i] = (-scores[i], i);
        Array.Sort(key); // the row breaks ties, so the order is the same on every machine
        var row = new int[key.Length];
        var end = new List<int>(key.Length);
        for (var i = 0; i < key.Length; i++)
        {
            row[i] = key[i].Row;
            if (i + 1 == key.Length || key[i + 1].Negated != key[i].Negated) end.Add(i + 1);
        }
        return (row, end.ToArray());
    }
}
