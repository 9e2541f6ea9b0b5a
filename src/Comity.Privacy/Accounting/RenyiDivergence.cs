using Comity.Privacy.Events;
using Comity.Privacy.Numerics;

namespace Comity.Privacy.Accounting;

/// <summary>Rényi divergence of order α of single releases, under add-or-remove.</summary>
internal static class RenyiDivergence
{
    // Below this, ln A comes out of a cancelling sum and keeps fewer than four digits.
    private const double TrustedLogMoment = 1e-9;

    /// <summary>Mironov 2017 (arXiv:1702.07476), Proposition 7.</summary>
    public static double Gaussian(double noise, double order) => order / (2 * noise * noise);

    /// <summary>Mironov 2017, Proposition 6.</summary>
    public static double Laplace(double scale, double order)
    {
        var forward = Math.Log(order / (2 * order - 1)) + (order - 1) / scale;
        var backward = Math.Log((order - 1) / (2 * order - 1)) - order / scale;
        return LogSpace.Add(forward, backward) / (order - 1);
    }

    /// <summary>Randomised response (Mironov 2017, Proposition 5), which no ε-differentially private release passes.</summary>
    public static double Pure(double epsilon, double order)
    {
        // p^α (1−p)^(1−α) + (1−p)^α p^(1−α) with p = 1/(1 + e^−ε)
        var (with, without) = (-Precise.LogOnePlus(Math.Exp(-epsilon)), -epsilon - Precise.LogOnePlus(Math.Exp(-epsilon)));
        return LogSpace.Add(order * with + (1 - order) * without, order * without + (1 - order) * with) / (order - 1);
    }

    /// <summary>The discrete Gaussian costs at most what the continuous one costs (Canonne, Kamath and Steinke 2020, Theorem 4).</summary>
    public static double DiscreteGaussian(DiscreteGaussianEvent release, double order) =>
        Gaussian(release.Sigma / release.Sensitivity, order);

    /// <summary>The sampled Gaussian (Mironov, Talwar and Zhang 2019, arXiv:1908.10530, §3.3).</summary>
    public static double SampledGaussian(double rate, double noise, double order)
    {
        if (order == Math.Floor(order)) return IntegerLogMoment(rate, noise, (int)order) / (order - 1);

        var logMoment = FractionalLogMoment(rate, noise, order);

        // Divergences grow with the order, so the next integer's is a bound where the series has lost its digits.
        return logMoment >= TrustedLogMoment ? logMoment / (order - 1) : SampledGaussian(rate, noise, Math.Ceiling(order));
    }

    // ln(1 + Σ_{k≥2} C(α,k)(1−q)^(α−k) q^k (exp((k²−k)/(2σ²)) − 1)): the terms k = 0 and 1 and the ones of the binomial sum
    // are taken out, so every summand is positive and tiny moments keep all their digits.
    private static double IntegerLogMoment(double rate, double noise, int order)
    {
        var (logRate, logRest) = (Math.Log(rate), Precise.LogOnePlus(-rate));
        var logCoefficient = Math.Log(order);
        var sum = double.NegativeInfinity;
        for (var k = 2; k <= order; k++)
        {
            logCoefficient += Math.Log((order - k + 1) / (double)k);
            var growth = (double)k * (k - 1) / (2 * noise * noise);
            sum = LogSpace.Add(sum, logCoefficient + k * logRate + (order - k) * logRest + LogSpace.LogExpMinusOne(growth));
        }
        return sum > 0 ? LogSpace.Add(0, sum) : Precise.LogOnePlus(Math.Exp(sum));
    }

    // The two series of §3.3 with the signs of the generalised binomials kept. Dropping them (as an unsigned lgamma does)
    // over-estimates by several per cent or diverges.
    private static double FractionalLogMoment(double rate, double noise, double order)
    {
        var (logRate, logRest) = (Math.Log(rate), Precise.LogOnePlus(-rate));
        var middle = noise * noise * (logRest - logRate) + 0.5;
        var twice = 2 * noise * noise;
        var root = Math.Sqrt(2) * noise;
        var (positive, negative) = (double.NegativeInfinity, double.NegativeInfinity);
        var (logCoefficient, sign, head) = (0.0, 1, (int)order + 32);
        Span<double> tail = stackalloc double[48];
        for (var i = 0; i < head + tail.Length; i++)
        {
            var j = order - i;
            var below = logCoefficient + i * logRate + j * logRest + (double)i * (i - 1) / twice + ErrorFunction.LogErfc((i - middle) / root) - Math.Log(2);
            var above = logCoefficient + j * logRate + i * logRest + j * (j - 1) / twice + ErrorFunction.LogErfc((middle - j) / root) - Math.Log(2);
            var both = LogSpace.Add(below, above);

            // Beyond α the terms alternate and shrink; 40 nats below the sum (at least 1) nothing reaches a double.
            if (i > order + 1 && both < -40) return LogSpace.Subtract(positive, negative);
            if (i >= head) tail[i - head] = sign * Math.Exp(both - LogSpace.Subtract(positive, negative));
            else if (sign > 0) positive = LogSpace.Add(positive, both);
            else negative = LogSpace.Add(negative, both);
            sign = j < 0 ? -sign : sign;
            logCoefficient += Math.Log(Math.Abs(j) / (i + 1));
        }
        return LogSpace.Subtract(positive, negative) + Precise.LogOnePlus(AlternatingSum(tail));
    }

    // For large q the terms fall only like i^(−α−2). Averaging neighbouring partial sums again and again (Euler's transformation;
    // Abramowitz and Stegun 1964, 3.6.27) gains about one bit a term.
    private static double AlternatingSum(Span<double> terms)
    {
        for (var i = 1; i < terms.Length; i++) terms[i] += terms[i - 1];
        for (var left = terms.Length - 1; left > 0; left--)
        {
            for (var i = 0; i < left; i++) terms[i] = (terms[i] + terms[i + 1]) / 2;
        }
        return terms[0];
    }
}
