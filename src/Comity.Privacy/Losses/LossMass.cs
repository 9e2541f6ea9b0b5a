using Comity.Privacy.Numerics;

namespace Comity.Privacy.Losses;

/// <summary>A privacy loss distribution on the multiples of an interval; it dominates the one it was made from.</summary>
/// <param name="Interval">h, the distance of two losses.</param>
/// <param name="First">Index of the lowest loss: it is First·h.</param>
/// <param name="Mass">Probability by index.</param>
/// <param name="Infinite">Probability of an infinite loss.</param>
internal sealed record LossMass(double Interval, long First, double[] Mass, double Infinite)
{
    /// <summary>
    /// "Connect the dots": each point's mass goes to its two neighbours on the grid so that its probability under both P and Q is
    /// kept. The privacy curve is then the chord of the true one at the grid, hence never below it, with an error of O(h²).
    /// </summary>
    /// <remarks>
    /// Doroshenko, Ghazi, Kamath, Kumar and Manurangsi 2022 (arXiv:2207.04380). Computing the shares point by point instead of
    /// from differences of δ keeps every bin's leading digits.
    /// </remarks>
    public static LossMass ConnectTheDots(LossSource source, double interval)
    {
        // One more bin on either side absorbs the rounding of a loss that lies on the edge.
        var (low, high) = source.Bounds;
        var first = (long)Math.Floor(low / interval) - 1;
        var mass = new double[(long)Math.Floor(high / interval) + 3 - first];
        var whole = -Precise.ExpMinusOne(-interval);
        var infinite = source.Visit(interval, (loss, weight) =>
        {
            var index = (long)Math.Floor(loss / interval);
            var upward = -Precise.ExpMinusOne(index * interval - loss) / whole;
            mass[index - first] += weight * (1 - upward);
            mass[index + 1 - first] += weight * upward;
        });
        return Trimmed(interval, first, mass, infinite);
    }

    private static LossMass Trimmed(double interval, long first, double[] mass, double infinite)
    {
        var from = Array.FindIndex(mass, m => m > 0);
        var to = Array.FindLastIndex(mass, m => m > 0);
        return new(interval, first + from, mass[from..(to + 1)], infinite);
    }

    /// <summary>ln E[exp(λ·loss)] over the finite losses.</summary>
    public double LogMoment(double lambda)
    {
        var top = lambda > 0 ? First + Mass.Length - 1 : First;
        var sum = 0.0;
        for (var i = 0; i < Mass.Length; i++)
        {
            if (Mass[i] > 0) sum += Mass[i] * Math.Exp(lambda * Interval * (First + i - top));
        }
        return Math.Log(sum) + lambda * Interval * top;
    }

    /// <summary>δ(ε) = P(loss = ∞) + E[(1 − e^(ε−loss))⁺].</summary>
    public double Delta(double epsilon)
    {
        var sum = 0.0;
        for (var i = Mass.Length - 1; i >= 0; i--)
        {
            var loss = (First + i) * Interval;
            if (loss <= epsilon) break;
            sum += Mass[i] * -Precise.ExpMinusOne(epsilon - loss);
        }
        return Math.Min(1, Infinite + sum);
    }

    /// <summary>The smallest ε ≥ 0 with δ(ε) at most <paramref name="delta"/>; infinity if there is none.</summary>
    public double Epsilon(double delta)
    {
        if (Infinite > delta) return double.PositiveInfinity;

        // Above grid point j let S be the mass and W the mass times e^(εⱼ − loss); between grid points δ(ε) = ∞-mass + S − e^(ε−εⱼ)·W.
        var (above, weighted) = (0.0, 0.0);
        var decay = Math.Exp(-Interval);
        for (var i = Mass.Length - 1; i >= 0; i--)
        {
            var here = (First + i) * Interval;
            if (Infinite + above - weighted > delta || here <= 0)
            {
                // The crossing lies between this grid point and the next (or at 0).
                return weighted <= 0 ? 0 : Math.Max(0, here + Math.Log(Math.Max((above + Infinite - delta) / weighted, double.Epsilon)));
            }
            above += Mass[i];
            weighted = (weighted + Mass[i]) * decay;
        }
        var lowest = (First - 1) * Interval;
        return weighted <= 0 ? 0 : Math.Max(0, lowest + Math.Log(Math.Max((above + Infinite - delta) / weighted, double.Epsilon)));
    }
}
