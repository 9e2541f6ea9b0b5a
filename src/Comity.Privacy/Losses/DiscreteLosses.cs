namespace Comity.Privacy.Losses;

/// <summary>Laplace of scale b around 0 against the same around 1: symmetric, so one direction serves both.</summary>
internal sealed class LaplaceLoss(double scale) : ContinuousLoss
{
    // The outcome is written in −x: P's own side of both centres is an atom at the highest loss, the far side one at the lowest.
    protected override (double Low, double High, double Panel) Range => (-1, 0, 0.25 * scale);

    protected override (double Below, double Above) Outside => (0.5 * Math.Exp(-1 / scale), 0);

    protected override double Loss(double x) => (1 + 2 * x) / scale;

    protected override double Outcome(double loss) => (loss * scale - 1) / 2;

    protected override double Density(double x) => Math.Exp(x / scale) / (2 * scale);

    public override double Visit(double interval, LossPoint point)
    {
        point(1 / scale, 0.5);
        return base.Visit(interval, point);
    }
}

/// <summary>Randomised response: the loss is ε or −ε, and no ε-differentially private release loses more.</summary>
internal sealed class PureLoss(double epsilon) : LossSource
{
    public override (double Low, double High) Bounds => (-epsilon, epsilon);

    public override double Visit(double interval, LossPoint point)
    {
        var likely = 1 / (1 + Math.Exp(-epsilon));
        point(epsilon, likely);
        point(-epsilon, 1 - likely);
        return 0;
    }
}

/// <summary>The discrete Gaussian around 0 against the same around Δ: the loss is a lattice, symmetric in direction.</summary>
internal sealed class DiscreteGaussianLoss(double sigma, int sensitivity) : LossSource
{
    // exp(−12²/2) < 1e-31: nothing that a double could add.
    private const double Deviations = 12;

    private readonly long _reach = (long)Math.Ceiling(Deviations * sigma) + 1;

    public override (double Low, double High) Bounds => (Loss(_reach), Loss(-_reach));

    public override double Visit(double interval, LossPoint point)
    {
        var total = 0.0;
        for (var x = -_reach; x <= _reach; x++) total += Weight(x);
        for (var x = -_reach; x <= _reach; x++) point(Loss(x), Weight(x) / total);
        return 0;
    }

    private double Loss(long x) => sensitivity * (sensitivity - 2.0 * x) / (2 * sigma * sigma);

    private double Weight(long x) => Math.Exp(-(double)x * x / (2 * sigma * sigma));
}
