namespace Comity.Privacy.Auditing;

/// <summary>Tests a claim of differential privacy with a single run: canaries are put in or left out by the flip of a coin, and an attacker guesses which.</summary>
/// <remarks>
/// Steinke, Nasr and Jagielski 2023 (arXiv:2305.08846), Theorem 5.2: if a mechanism is (ε, δ)-private, r guesses about m canaries are right v times or more with probability of at most
/// β + 2·m·δ·α, where β = P[Bin(r, e^ε/(1+e^ε)) ≥ v] and α = maxᵢ P[v−i ≤ Bin &lt; v]/i. A claim under which what happened is less likely than 1 − confidence is refuted.
/// </remarks>
public static class OneRunAudit
{
    private const double LargestEpsilon = 100;

    /// <summary>The largest ε that what happened refutes: the true one is above it with the given confidence.</summary>
    /// <param name="canaries">m, canaries that were tossed for.</param>
    /// <param name="guesses">r, how many were guessed; their number must be fixed before looking.</param>
    /// <param name="right">v, how many guesses were right.</param>
    /// <param name="delta">δ of the claim, in [0, 1).</param>
    /// <param name="confidence">In (0, 1), such as 0.95.</param>
    /// <returns>0: nothing is refuted.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
    public static double EpsilonLowerBound(int canaries, int guesses, int right, double delta, double confidence = 0.95)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(canaries, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(guesses, canaries);
        ArgumentOutOfRangeException.ThrowIfLessThan(guesses, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(right, guesses);
        ArgumentOutOfRangeException.ThrowIfLessThan(right, 0);
        if (!(delta >= 0 && delta < 1)) throw new ArgumentOutOfRangeException(nameof(delta), delta, "δ must lie in [0, 1).");
        if (!(confidence > 0 && confidence < 1)) throw new ArgumentOutOfRangeException(nameof(confidence), confidence, "The confidence must lie in (0, 1).");
        var allowed = 1 - confidence;
        if (Likelihood(canaries, guesses, right, 0, delta) > allowed) return 0;
        var (low, high) = (0.0, LargestEpsilon);
        while (high - low > 1e-9)
        {
            var middle = (low + high) / 2;
            if (Likelihood(canaries, guesses, right, middle, delta) > allowed) high = middle;
            else low = middle;
        }
        return low;
    }

    /// <summary>How likely so many right guesses are at most, if the mechanism keeps (ε, δ): the p-value of the claim.</summary>
    public static double Likelihood(int canaries, int guesses, int right, double epsilon, double delta)
    {
        // Logarithms of e^ε/(1+e^ε) and of its complement, each exact where the other rounds to 0.
        var rest = Math.Log(1 + Math.Exp(-epsilon));
        var (hit, miss) = (-rest, -epsilon - rest);
        var beta = 0.0;
        for (var k = guesses; k >= right; k--) beta += Probability(guesses, k, hit, miss); // the smallest first
        var (alpha, sum) = (0.0, 0.0);
        for (var i = 1; i <= right; i++)
        {
            sum += Probability(guesses, right - i, hit, miss);
            if (sum > i * alpha) alpha = sum / i;
        }
        return Math.Min(1, beta + (2.0 * canaries * delta * alpha));
    }

    private static double Probability(int trials, int successes, double hit, double miss) =>
        Math.Exp(LogFactorial(trials) - LogFactorial(successes) - LogFactorial(trials - successes) + (successes * hit) + ((trials - successes) * miss));

    // Stirling's series; below 30 exactly.
    private static double LogFactorial(int n)
    {
        if (n < 30)
        {
            var sum = 0.0;
            for (var i = 2; i <= n; i++) sum += Math.Log(i);
            return sum;
        }
        double x = n;
        return (x * Math.Log(x)) - x + (0.5 * Math.Log(2 * Math.PI * x)) + (1 / (12 * x)) - (1 / (360 * x * x * x)) + (1 / (1260 * x * x * x * x * x));
    }
}
