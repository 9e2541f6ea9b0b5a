using Comity.Privacy.Events;
using Comity.Privacy.Numerics;

namespace Comity.Privacy.Accounting;

/// <summary>From a target (ε, δ) to the noise that keeps it.</summary>
public static class NoiseCalibration
{
    /// <summary>The smallest noise multiplier found whose release costs at most ε at δ.</summary>
    /// <param name="accountant">Who says what a release costs.</param>
    /// <param name="release">Everything that would be released at a noise multiplier, for instance all steps of a training.</param>
    /// <param name="epsilon">Target ε, positive.</param>
    /// <param name="delta">Target δ in (0, 1).</param>
    /// <param name="relativeTolerance">How close to the smallest; the answer is never below it.</param>
    /// <exception cref="InvalidOperationException">No noise below 2³⁰ is enough, for instance because part of the release is unprotected.</exception>
    public static double NoiseMultiplier(
        IPrivacyAccountant accountant, Func<double, PrivacyEvent> release, double epsilon, double delta, double relativeTolerance = 1e-5)
    {
        ArgumentNullException.ThrowIfNull(accountant);
        ArgumentNullException.ThrowIfNull(release);
        Guard.Positive(epsilon);
        Guard.Delta(delta);
        Guard.Positive(relativeTolerance);

        bool Keeps(double noise) => accountant.Epsilon(release(noise), delta) <= epsilon;

        var high = 1.0;
        while (!Keeps(high))
        {
            high *= 2;
            if (high > 1 << 30) throw new InvalidOperationException($"No noise multiplier below 2^30 keeps epsilon {epsilon:R} at delta {delta:R}.");
        }
        var low = high / 2;
        while (low > 1e-3 && Keeps(low)) (low, high) = (low / 2, low);
        return Bisection.UpperEnd(low, high, Keeps, relativeTolerance);
    }
}
