using Comity.Federation.Studies;
using Comity.Privacy.Events;

namespace Comity.Federation.Privacy;

/// <summary>How the ε for metrics is shared out over all counts that a site releases.</summary>
/// <remarks>
/// A held-out row falls into one count of a release, so each release with discrete Laplace noise of scale 1/ε is ε-differentially private (Ghosh, Roughgarden and
/// Sundararajan 2012), and releases about the same rows add up. Every site shares its ε out alike, over the most that the study can ask of one.
/// </remarks>
/// <param name="Epsilon">ε of one release.</param>
/// <param name="Releases">Most releases of a site.</param>
internal sealed record MetricsPlan(double Epsilon, long Releases)
{
    // The sampler's scale is a fraction of whole numbers.
    private const int Scale = 1 << 20;

    /// <summary>s of the scale t/s: the ε of a release, rounded down.</summary>
    public int Numerator => (int)Math.Floor(Math.Min(1000, Epsilon) * Scale);

    /// <summary>t of the scale t/s.</summary>
    public static int Denominator => Scale;

    /// <summary>What one release is.</summary>
    public PrivacyEvent Event => new PureEvent(Epsilon);

    /// <summary>Variance of the noise on a count: 2q/(1−q)² with q = e^−ε.</summary>
    public double Variance
    {
        get
        {
            var q = Math.Exp(-(double)Numerator / Scale);
            return 2 * q / ((1 - q) * (1 - q));
        }
    }

    /// <summary>Null: metrics are exact.</summary>
    public static MetricsPlan? Of(StudySection study)
    {
        if (study.Privacy?.Metrics is not { } section) return null;
        long models = study.Arms.Count(a => a is Arm.Local or Arm.Pooled);
        // A federation's model is judged on test and on validation rows; a personalised one on test rows.
        if (study.Arms.Contains(Arm.Federated)) models += study.AllFederations.Sum(f => 2 + (f.Personalise is null ? 0 : 1));
        var releases = Math.Max(1, study.Repeats * models);
        return new MetricsPlan(section.Epsilon / releases, releases);
    }
}
