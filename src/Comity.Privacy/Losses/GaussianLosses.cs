using Comity.Privacy.Numerics;

namespace Comity.Privacy.Losses;

/// <summary>The larger data set's mixture (1−q)·N(0, s²) + q·N(1, s²) against N(0, s²): a unit is removed.</summary>
internal sealed class RemovedFromSampleLoss(double rate, double noise) : GaussianMixtureLoss(noise)
{
    protected override (double Low, double High, double Panel) Range => (-Reach, 1 + Reach, PanelWidth);

    protected override (double Below, double Above) Outside =>
        (rate * ErrorFunction.NormalCdf((-Reach - 1) / Noise) + (1 - rate) * Tail, rate * Tail + (1 - rate) * ErrorFunction.NormalCdf((-Reach - 1) / Noise));

    protected override double Loss(double x) => LogMixture(rate, (2 * x - 1) / (2 * Noise * Noise));

    protected override double Outcome(double loss) => Noise * Noise * InverseLogMixture(rate, loss) + 0.5;

    protected override double Density(double x) => (1 - rate) * Normal(x) + rate * Normal(x - 1);
}

/// <summary>N(0, s²) against the larger data set's mixture: a unit is added. Written in −x, so that the loss grows.</summary>
internal sealed class AddedToSampleLoss(double rate, double noise) : GaussianMixtureLoss(noise)
{
    protected override (double Low, double High, double Panel) Range => (-Reach, Reach, PanelWidth);

    protected override (double Below, double Above) Outside => (Tail, Tail);

    protected override double Loss(double x) => -LogMixture(rate, (-2 * x - 1) / (2 * Noise * Noise));

    protected override double Outcome(double loss) => -(Noise * Noise * InverseLogMixture(rate, -loss) + 0.5);

    protected override double Density(double x) => Normal(x);
}

/// <summary>(1−q)·N(0, s²) + q·N(1, s²) against (1−q)·N(0, s²) + q·N(−1, s²): a unit is replaced by its opposite.</summary>
internal sealed class ReplacedInSampleLoss(double rate, double noise) : GaussianMixtureLoss(noise)
{
    protected override (double Low, double High, double Panel) Range => (-Reach, 1 + Reach, PanelWidth);

    protected override (double Below, double Above) Outside =>
        (rate * ErrorFunction.NormalCdf((-Reach - 1) / Noise) + (1 - rate) * Tail, rate * Tail + (1 - rate) * ErrorFunction.NormalCdf((-Reach - 1) / Noise));

    protected override double Loss(double x)
    {
        var square = 2 * Noise * Noise;
        return LogMixture(rate, (2 * x - 1) / square) - LogMixture(rate, (-2 * x - 1) / square);
    }

    // With u = exp(x/s²), a = 1−q and c = q·exp(−1/(2s²)), the loss says c·u² + a·(1−e^ε)·u − c·e^ε = 0.
    protected override double Outcome(double loss)
    {
        var c = rate * Math.Exp(-1 / (2 * Noise * Noise));
        var b = (1 - rate) * -Precise.ExpMinusOne(loss);
        var root = Math.Sqrt(b * b + 4 * c * c * Math.Exp(loss));
        var u = b > 0 ? 2 * c * Math.Exp(loss) / (b + root) : (root - b) / (2 * c);
        return Noise * Noise * Math.Log(u);
    }

    protected override double Density(double x) => (1 - rate) * Normal(x) + rate * Normal(x - 1);
}

/// <summary>What the mixtures of Gaussians share.</summary>
internal abstract class GaussianMixtureLoss(double noise) : ContinuousLoss
{
    // Beyond ten standard deviations lies less than 1e-23.
    private const double Deviations = 10;

    protected double Noise { get; } = noise;

    protected double Reach => Deviations * Noise;

    protected double Tail => ErrorFunction.NormalCdf(-Deviations);

    // The loss bends on the scale of s² where s is small.
    protected double PanelWidth => 0.25 * Math.Min(Noise, Noise * Noise);

    protected double Normal(double x) => Math.Exp(-x * x / (2 * Noise * Noise)) / (Noise * Math.Sqrt(2 * Math.PI));

    // ln(1 − q + q·e^z).
    protected static double LogMixture(double rate, double z) =>
        z < 30 ? Precise.LogOnePlus(rate * Precise.ExpMinusOne(z)) : z + Math.Log(rate + (1 - rate) * Math.Exp(-z));

    // The z at which it is reached.
    protected static double InverseLogMixture(double rate, double loss)
    {
        if (loss > 30) return loss + Precise.LogOnePlus((rate - 1) * Math.Exp(-loss)) - Math.Log(rate);
        var ratio = Precise.ExpMinusOne(loss) / rate;
        return ratio <= -1 ? double.NegativeInfinity : Precise.LogOnePlus(ratio);
    }
}
