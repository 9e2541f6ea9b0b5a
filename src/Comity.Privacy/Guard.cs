using System.Runtime.CompilerServices;

namespace Comity.Privacy;

/// <summary>Guards at the public edge. Every comparison is written so that NaN fails it.</summary>
internal static class Guard
{
    public static double Positive(double value, [CallerArgumentExpression(nameof(value))] string? name = null) =>
        value > 0 && double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(name, value, "Must be positive and finite.");

    public static double NotNegative(double value, [CallerArgumentExpression(nameof(value))] string? name = null) =>
        value >= 0 && double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(name, value, "Must be zero or more, and finite.");

    public static double Probability(double value, [CallerArgumentExpression(nameof(value))] string? name = null) =>
        value >= 0 && value <= 1 ? value : throw new ArgumentOutOfRangeException(name, value, "Must lie between 0 and 1.");

    public static double Delta(double value, [CallerArgumentExpression(nameof(value))] string? name = null) =>
        value > 0 && value < 1 ? value : throw new ArgumentOutOfRangeException(name, value, "Delta must lie strictly between 0 and 1; choose it below 1 / (rows protected).");
}
