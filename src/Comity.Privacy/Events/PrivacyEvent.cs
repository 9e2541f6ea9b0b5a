namespace Comity.Privacy.Events;

/// <summary>What was released, as a value. What it costs is said by an accountant that interprets it.</summary>
/// <remarks>
/// After Google's dp_accounting. The hierarchy is open on purpose: a mechanism of someone else's can be written down, and an
/// accountant that can't prove its cost refuses it (<see cref="UnsupportedEventException"/>) instead of guessing.
/// Noise multipliers are standard deviation (or scale) divided by the sensitivity of one added or removed unit.
/// </remarks>
public abstract record PrivacyEvent
{
    /// <summary>The same release <paramref name="count"/> times, each with fresh noise and a fresh sample.</summary>
    /// <param name="count">How often, at least 0.</param>
    public PrivacyEvent Times(long count) => new SelfComposedEvent(this, count);

    /// <summary>Several releases about the same records.</summary>
    public static PrivacyEvent All(params IReadOnlyList<PrivacyEvent> events) => new ComposedEvent(events);
}

/// <summary>Nothing was released.</summary>
public sealed record NoOpEvent : PrivacyEvent;

/// <summary>Something was released with no protection at all; its cost is infinite.</summary>
public sealed record NonPrivateEvent : PrivacyEvent;

/// <summary>A sum with Gaussian noise.</summary>
public sealed record GaussianEvent : PrivacyEvent
{
    /// <param name="noiseMultiplier">Standard deviation / L2 sensitivity, positive.</param>
    public GaussianEvent(double noiseMultiplier) => NoiseMultiplier = Guard.Positive(noiseMultiplier);

    /// <summary>Standard deviation / L2 sensitivity.</summary>
    public double NoiseMultiplier { get; }
}

/// <summary>A number with Laplace noise.</summary>
public sealed record LaplaceEvent : PrivacyEvent
{
    /// <param name="noiseMultiplier">Scale b / L1 sensitivity, positive.</param>
    public LaplaceEvent(double noiseMultiplier) => NoiseMultiplier = Guard.Positive(noiseMultiplier);

    /// <summary>Scale b / L1 sensitivity.</summary>
    public double NoiseMultiplier { get; }
}

/// <summary>One integer with discrete Gaussian noise (Canonne, Kamath and Steinke 2020, arXiv:2004.00010).</summary>
public sealed record DiscreteGaussianEvent : PrivacyEvent
{
    /// <param name="sigma">The parameter σ of the discrete Gaussian, positive, in units of the integer.</param>
    /// <param name="sensitivity">By how much one unit changes the integer, at least 1.</param>
    public DiscreteGaussianEvent(double sigma, int sensitivity = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sensitivity, 1);
        (Sigma, Sensitivity) = (Guard.Positive(sigma), sensitivity);
    }

    /// <summary>The parameter σ.</summary>
    public double Sigma { get; }

    /// <summary>By how much one unit changes the integer.</summary>
    public int Sensitivity { get; }
}

/// <summary>A release of which all that is known is that it is ε-differentially private, such as counts with discrete Laplace noise.</summary>
/// <remarks>No such release tells more than randomised response with the same ε (Kairouz, Oh and Viswanath 2015, arXiv:1311.0776, Theorem 3.1), so it is reckoned as that.</remarks>
public sealed record PureEvent : PrivacyEvent
{
    /// <param name="epsilon">ε, positive.</param>
    public PureEvent(double epsilon) => Epsilon = Guard.Positive(epsilon);

    /// <summary>ε for one added or removed unit.</summary>
    public double Epsilon { get; }
}

/// <summary>A release over a sample in which each unit takes part independently with the same probability.</summary>
/// <remarks>Fixed-size batches and shuffling are other samplers with other costs: this event does not describe them.</remarks>
public sealed record PoissonSampledEvent : PrivacyEvent
{
    /// <param name="samplingProbability">q in [0, 1].</param>
    /// <param name="sampled">What is released about the sample.</param>
    public PoissonSampledEvent(double samplingProbability, PrivacyEvent sampled)
    {
        ArgumentNullException.ThrowIfNull(sampled);
        (SamplingProbability, Sampled) = (Guard.Probability(samplingProbability), sampled);
    }

    /// <summary>q, the chance of each unit to be in the sample.</summary>
    public double SamplingProbability { get; }

    /// <summary>What is released about the sample.</summary>
    public PrivacyEvent Sampled { get; }
}
