using System.Text.Json.Serialization;
using Comity.Privacy.Events;

namespace Comity.Privacy.Mechanisms;

/// <summary>What steps of differentially private gradient descent released: sampler, clip, noise and number of steps. An update that was trained so carries it, and is charged for it.</summary>
/// <remarks>
/// Abadi et al. 2016 (arXiv:1607.00133), Algorithm 1, with Poisson samples: in each step every record takes part with probability q
/// on its own, its gradient is clipped to C, and the sum gets Gaussian noise of deviation z·C, also when no record was drawn. Neighbours differ
/// by one record added or removed; the number of records is public.
/// </remarks>
public sealed record PrivateGradientDescent
{
    /// <param name="samplingRate">q in (0, 1].</param>
    /// <param name="clipNorm">C, positive, in units of the gradient.</param>
    /// <param name="noiseMultiplier">z, positive.</param>
    /// <param name="steps">Noised steps, at least 0.</param>
    public PrivateGradientDescent(double samplingRate, double clipNorm, double noiseMultiplier, long steps)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        (SamplingRate, ClipNorm, NoiseMultiplier, Steps) = (Guard.Positive(Guard.Probability(samplingRate)), Guard.Positive(clipNorm), Guard.Positive(noiseMultiplier), steps);
    }

    /// <summary>q, the chance of each record to take part in a step.</summary>
    public double SamplingRate { get; }

    /// <summary>C, the longest gradient of one record.</summary>
    public double ClipNorm { get; }

    /// <summary>z, the noise's standard deviation divided by C.</summary>
    public double NoiseMultiplier { get; }

    /// <summary>Noised steps.</summary>
    public long Steps { get; }

    /// <summary>The release as an accountant reads it.</summary>
    [JsonIgnore]
    public PrivacyEvent Event => new PoissonSampledEvent(SamplingRate, new GaussianEvent(NoiseMultiplier)).Times(Steps);

    /// <summary>q of an expected lot: B/N, at most 1.</summary>
    /// <param name="lot">B, the expected number of records in a step.</param>
    /// <param name="rows">N, the records there are.</param>
    public static double RateOf(int lot, int rows) => Math.Min(1, (double)lot / rows);

    /// <summary>Steps of an epoch: ⌈1/q⌉, so that each record is expected at least once.</summary>
    /// <param name="lot">B.</param>
    /// <param name="rows">N.</param>
    public static int StepsOf(int lot, int rows) => (rows + lot - 1) / lot;
}
