namespace Comity.Federation.Evidence;

/// <summary>Whether more is better.</summary>
internal static class MetricOrder
{
    /// <summary>Whether a smaller value of this metric is better.</summary>
    public static bool LowerIsBetter(string metric) =>
        metric.Contains("loss", StringComparison.OrdinalIgnoreCase) || metric.Contains("error", StringComparison.OrdinalIgnoreCase)
        || metric is "brier" or "ece" or "mse" or "rmse" or "mae" or "mape";

    /// <summary>The value turned so that more is better; NaN below everything.</summary>
    public static double Goodness(string metric, double value) =>
        double.IsNaN(value) ? double.NegativeInfinity : LowerIsBetter(metric) ? -value : value;
}
