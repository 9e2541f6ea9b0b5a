namespace Comity.Learning.Evaluation;

/// <summary>Puts probabilities into bins: (0, 0.1], (0.1, 0.2], … with 0 in the first, or bins of equally many rows.</summary>
internal static class CalibrationBins
{
    /// <summary>The bin of each probability, shape [n]; equal probabilities share a bin.</summary>
    public static int[] Assign(ReadOnlySpan<float> probabilities, int bins, CalibrationBinning binning)
    {
        var result = new int[probabilities.Length];
        if (binning == CalibrationBinning.EqualWidth)
        {
            for (var i = 0; i < result.Length; i++) result[i] = OfEqualWidth(probabilities[i], bins);
            return result;
        }
        var sorted = probabilities.ToArray();
        var row = Enumerable.Range(0, sorted.Length).ToArray();
        Array.Sort(sorted, row);
        for (var start = 0; start < sorted.Length;)
        {
            var end = start + 1;
            while (end < sorted.Length && sorted[end] == sorted[start]) end++;
            var bin = (int)((long)start * bins / sorted.Length);
            for (; start < end; start++) result[row[start]] = bin;
        }
        return result;
    }

    /// <summary>The bin of one probability where all are of the same width.</summary>
    public static int OfEqualWidth(float p, int bins)
    {
        // Edges are compared as floats, so that a probability written 0.6 lies in (0.5, 0.6] and not just above it.
        var bin = Math.Clamp((int)(p * bins), 0, bins - 1);
        while (bin > 0 && p <= (float)((double)bin / bins)) bin--;
        while (bin < bins - 1 && p > (float)((double)(bin + 1) / bins)) bin++;
        return bin;
    }
}
