namespace Comity.Learning.Evaluation;

/// <summary>Candidate minus baseline on the same rows.</summary>
/// <param name="Metric">Metric's name.</param>
/// <param name="Difference">The difference; NaN where undefined.</param>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end of the interval.</param>
/// <param name="StandardError">Standard error of the difference.</param>
/// <param name="P">Two-sided p of no difference, before any correction.</param>
/// <param name="Test"><c>mcnemar</c>, <c>delong</c> or <c>bootstrap</c>.</param>
/// <param name="Detectable">Smallest true difference that this test would have found with power 0.8 at level 0.05.</param>
public sealed record MetricDifference(
    string Metric, double Difference, double Low, double High, double StandardError, double P, string Test, double Detectable)
{
    /// <summary>z of the level (two-sided 0.05) plus z of the power (0.8).</summary>
    private const double LevelAndPower = 1.959963984540054 + 0.8416212335729143;

    internal static MetricDifference Of(string metric, string test, double difference, double centre, double error, double quantile, double p) =>
        new(metric, difference, centre - quantile * error, centre + quantile * error, error, p, test, LevelAndPower * error);

    internal static MetricDifference Undefined(string metric, string test) =>
        new(metric, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, test, double.NaN);
}

/// <summary>What a comparison on the same rows gave.</summary>
/// <param name="Rows">Rows compared.</param>
/// <param name="Differences">One for each metric of <see cref="MetricNames.ComparedFor"/>.</param>
public sealed record Compared(int Rows, IReadOnlyList<MetricDifference> Differences);
