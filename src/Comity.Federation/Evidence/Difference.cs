using Comity.Federation.Sites;
using Comity.Tensors.Distributions;

namespace Comity.Federation.Evidence;

/// <summary>A difference with what is known of its uncertainty.</summary>
internal readonly record struct Difference(double Value, double Low, double High, double P, string Test, double Detectable)
{
    private const double Level = 0.05;
    private const double Power = 0.8;

    /// <summary>Sites of one market together, weighted by test rows; their rows are different people, so variances add.</summary>
    public static Difference Combine(IReadOnlyList<(PairedDifference Difference, int Rows)> sites)
    {
        var defined = sites.Where(s => double.IsFinite(s.Difference.Difference) && s.Rows > 0).ToList();
        if (defined.Count == 0) return Undefined(sites.Count > 0 ? sites[0].Difference.Test : "none");
        if (defined.Count == 1)
        {
            var only = defined[0].Difference;
            return new(only.Difference, only.Low, only.High, only.P, only.Test, only.Detectable);
        }
        double rows = defined.Sum(s => (long)s.Rows);
        var value = defined.Sum(s => s.Rows / rows * s.Difference.Difference);
        var error = Math.Sqrt(defined.Sum(s => Math.Pow(s.Rows / rows * s.Difference.StandardError, 2)));
        var half = NormalDistribution.Quantile(1 - (Level / 2)) * error;
        return new(value, value - half, value + half, TwoSided(value, error, NormalDistribution.TwoSided), "combined-z",
            (NormalDistribution.Quantile(1 - (Level / 2)) + NormalDistribution.Quantile(Power)) * error);
    }

    /// <summary>
    /// The corrected resampled t-test over repeats (Nadeau and Bengio 2003, Machine Learning 52, equation 9): repeats share
    /// training rows, so the variance of their mean is (1/R + n_test/n_train) s², not s²/R.
    /// </summary>
    /// <param name="repeats">Differences of the repeats; NaN ones are left out.</param>
    /// <param name="testRows">n_test.</param>
    /// <param name="trainingRows">n_train.</param>
    public static Difference OverRepeats(IReadOnlyList<double> repeats, double testRows, double trainingRows)
    {
        const string test = "corrected-resampled-t";
        var values = repeats.Where(double.IsFinite).ToList();
        if (values.Count == 0) return Undefined(test);
        var mean = values.Average();
        if (values.Count == 1 || !(trainingRows > 0)) return Undefined(test) with { Value = mean };
        var degrees = values.Count - 1;
        var variance = values.Sum(v => (v - mean) * (v - mean)) / degrees;
        var error = Math.Sqrt(((1.0 / values.Count) + (testRows / trainingRows)) * variance);
        var half = StudentT.Quantile(1 - (Level / 2), degrees) * error;
        return new(mean, mean - half, mean + half, TwoSided(mean, error, t => StudentT.TwoSided(t, degrees)), test,
            (StudentT.Quantile(1 - (Level / 2), degrees) + StudentT.Quantile(Power, degrees)) * error);
    }

    private static Difference Undefined(string test) => new(double.NaN, double.NaN, double.NaN, double.NaN, test, double.NaN);

    // Without any spread a difference of zero is no evidence, and any other is as certain as the numbers can say.
    private static double TwoSided(double value, double error, Func<double, double> twoSided) =>
        double.IsNaN(error) ? double.NaN : error > 0 ? twoSided(value / error) : value == 0 ? 1 : 0;
}
