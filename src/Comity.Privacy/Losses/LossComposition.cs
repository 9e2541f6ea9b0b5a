using System.Numerics;
using Comity.Privacy.Numerics;

namespace Comity.Privacy.Losses;

/// <summary>Composes losses: a convolution for every repetition, as one product of Fourier transforms.</summary>
/// <remarks>Koskela, Jälkö and Honkela 2020 (arXiv:1906.03049); the window from Chernoff bounds as in dp_accounting.</remarks>
internal static class LossComposition
{
    /// <summary>The longest transform; 4 Mi points take about a second and 128 MiB.</summary>
    public const int MaximalLength = 1 << 22;

    /// <summary>The composed distribution, or null where its window does not fit <see cref="MaximalLength"/>.</summary>
    /// <param name="parts">Distributions on one grid, with how often each happens.</param>
    /// <param name="tail">Mass that may lie outside the window; it counts as infinite loss, so the result stays an upper bound.</param>
    public static LossMass? Compose(IReadOnlyList<(LossMass Loss, long Count)> parts, double tail)
    {
        var interval = parts[0].Loss.Interval;
        var infinite = -Precise.ExpMinusOne(parts.Sum(part => part.Count * Precise.LogOnePlus(-part.Loss.Infinite)));
        if (parts is [{ Count: 1 } single]) return single.Loss;

        var (low, high) = Window(parts, interval, tail / 2);
        var needed = high - low + 1;
        if (needed > MaximalLength) return null;
        var length = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(needed, 2));

        var transform = new FourierTransform(length);
        var (magnitude, angle) = (new double[length], new double[length]);
        var (real, imaginary) = (new double[length], new double[length]);
        foreach (var (loss, count) in parts)
        {
            Array.Clear(real);
            Array.Clear(imaginary);

            // Folding modulo the length is exact for a circular convolution, however wide one step's losses are.
            for (var i = 0; i < loss.Mass.Length; i++) real[Modulo(loss.First + i, length)] += loss.Mass[i];
            transform.Forward(real, imaginary);
            for (var k = 0; k < length; k++)
            {
                magnitude[k] += count * 0.5 * Math.Log(real[k] * real[k] + imaginary[k] * imaginary[k]);
                angle[k] += count * Math.Atan2(imaginary[k], real[k]);
            }
        }
        for (var k = 0; k < length; k++)
        {
            var size = Math.Exp(magnitude[k]);
            var (sin, cos) = Math.SinCos(angle[k]);
            (real[k], imaginary[k]) = (size * cos, size * sin);
        }
        transform.Inverse(real, imaginary);

        // Rounding may leave values of about −1e-18; a probability can't be negative, and zero is the safe side.
        for (var i = 0; i < length; i++) magnitude[i] = Math.Max(0, real[Modulo(low + i, length)]);
        return new(interval, low, magnitude, Math.Min(1, infinite + tail));
    }

    // The smallest window by P(S ≥ u) ≤ exp(ln M(λ) − λu), over a grid of λ around the scale of the sum.
    private static (long Low, long High) Window(IReadOnlyList<(LossMass Loss, long Count)> parts, double interval, double tail)
    {
        var scale = Math.Sqrt(parts.Sum(part => part.Count * Variance(part.Loss)));
        var high = parts.Sum(part => (double)part.Count * (part.Loss.First + part.Loss.Mass.Length - 1)) * interval;
        var low = parts.Sum(part => (double)part.Count * part.Loss.First) * interval;
        var surprise = -Math.Log(tail);
        for (var step = 0; step < 10 && scale > 0; step++)
        {
            var lambda = Math.ScaleB(0.1, step) / scale;
            high = Math.Min(high, (parts.Sum(part => part.Count * part.Loss.LogMoment(lambda)) + surprise) / lambda);
            low = Math.Max(low, -(parts.Sum(part => part.Count * part.Loss.LogMoment(-lambda)) + surprise) / lambda);
        }
        return ((long)Math.Floor(low / interval), (long)Math.Ceiling(high / interval));
    }

    private static double Variance(LossMass loss)
    {
        var (mass, first, second) = (0.0, 0.0, 0.0);
        for (var i = 0; i < loss.Mass.Length; i++)
        {
            var at = (loss.First + i) * loss.Interval;
            mass += loss.Mass[i];
            first += loss.Mass[i] * at;
            second += loss.Mass[i] * at * at;
        }
        return Math.Max(0, second / mass - first / mass * (first / mass));
    }

    private static int Modulo(long index, int length) => (int)(((index % length) + length) % length);
}
