namespace Comity.Learning.Evaluation;

/// <summary>Mean and spread of a few numbers, in two passes.</summary>
internal static class Moments
{
    public static double Mean(ReadOnlySpan<double> values)
    {
        var sum = 0.0;
        foreach (var x in values) sum += x;
        return sum / values.Length;
    }

    /// <summary>Unbiased variance; NaN below two values.</summary>
    public static double Variance(ReadOnlySpan<double> values)
    {
        if (values.Length < 2) return double.NaN;
        var mean = Mean(values);
        var sum = 0.0;
        foreach (var x in values) sum += (x - mean) * (x - mean);
        return sum / (values.Length - 1);
    }

    public static double StandardDeviation(ReadOnlySpan<double> values) => Math.Sqrt(Variance(values));
}
