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

    /// <summary>The same, where some multiplier that is enough is known already, such as another accountant's answer: a few evaluations only.</summary>
    /// <param name="accountant">Who says what a release costs.</param>
    /// <param name="release">Everything that would be released at a noise multiplier.</param>
    /// <param name="epsilon">Target ε, positive.</param>
    /// <param name="delta">Target δ in (0, 1).</param>
    /// <param name="enough">A multiplier at which the release costs no more.</param>
    /// <param name="relativeTolerance">How close to ε; the answer never costs more.</param>
    public static double NoiseMultiplierBelow(
        IPrivacyAccountant accountant, Func<double, PrivacyEvent> release, double epsilon, double delta, double enough, double relativeTolerance = 1e-3)
    {
        ArgumentNullException.ThrowIfNull(accountant);
        ArgumentNullException.ThrowIfNull(release);
        Guard.Positive(epsilon);
        Guard.Delta(delta);
        Guard.Positive(enough);
        double Cost(double noise) => accountant.Epsilon(release(noise), delta);

        var (high, above) = (enough, Cost(enough));
        if (!(above <= epsilon)) return NoiseMultiplier(accountant, release, epsilon, delta, relativeTolerance);
        var (low, below) = (0.0, double.PositiveInfinity);
        for (var step = 0; step < 40 && above < epsilon * (1 - relativeTolerance) && high - low > relativeTolerance * high; step++)
        {
            // Cost falls about as a power of the noise: a straight line between logarithms; aimed a little under ε, so that it ends on the safe side.
            var aim = Math.Log(epsilon * (1 - relativeTolerance / 2));
            var guess = !double.IsFinite(below) ? high * Math.Max(0.5, Math.Exp(Math.Log(Math.Max(above, epsilon / 4)) - aim))
                : Math.Exp(Math.Log(high) + ((aim - Math.Log(above)) / (Math.Log(below) - Math.Log(above)) * (Math.Log(low) - Math.Log(high))));
            if (!(guess > low && guess < high)) guess = low + ((high - low) / 2);
            var cost = Cost(guess);
            if (cost <= epsilon) (high, above) = (guess, cost);
            else (low, below) = (guess, cost);
        }
        return high;
    }
}
