using Comity.Declarations;

namespace Comity.Learning.Training.Optimizers;

/// <summary>The section <c>training.optimizer</c>.</summary>
[Doc("How a gradient becomes a step.")]
[Kind("sgd", typeof(SgdSection))]
[Kind("momentum", typeof(MomentumSection))]
[Kind("nesterov", typeof(NesterovSection))]
[Kind("rmsprop", typeof(RmsPropSection))]
[Kind("adam", typeof(AdamSection))]
[Kind("adamw", typeof(AdamWSection))]
[Kind("lbfgs", typeof(LbfgsSection))]
public abstract record OptimizerSection
{
    /// <summary>The learning rate before the schedule; 1 for L-BFGS, which searches its steps.</summary>
    public abstract double Rate { get; }

    /// <summary>Whether steps depend on what earlier steps left (momentum, moments), which a later run could begin with.</summary>
    public virtual bool HasState => true;
}

/// <summary>Plain stochastic gradient descent.</summary>
[Doc("Stochastic gradient descent.")]
public sealed record SgdSection : OptimizerSection
{
    /// <summary>Learning rate.</summary>
    [Doc("Learning rate.")]
    [Within(0, 1e6, AboveLow = true)]
    public double LearningRate { get; init; } = 0.01;

    /// <inheritdoc/>
    public override double Rate => LearningRate;

    /// <inheritdoc/>
    public override bool HasState => false;
}

/// <summary>Gradient descent with heavy-ball momentum (Polyak 1964): v ← ρv + g, w ← w − η·v.</summary>
[Doc("Gradient descent with momentum.")]
public sealed record MomentumSection : OptimizerSection
{
    /// <summary>Learning rate.</summary>
    [Doc("Learning rate.")]
    [Within(0, 1e6, AboveLow = true)]
    public double LearningRate { get; init; } = 0.01;

    /// <summary>ρ.</summary>
    [Doc("Share of the last step that is kept.")]
    [Within(0, 1, BelowHigh = true)]
    public double Momentum { get; init; } = 0.9;

    /// <inheritdoc/>
    public override double Rate => LearningRate;
}

/// <summary>Gradient descent with Nesterov's momentum (Sutskever et al. 2013): v ← ρv + g, w ← w − η·(g + ρv).</summary>
[Doc("Gradient descent with Nesterov's momentum.")]
public sealed record NesterovSection : OptimizerSection
{
    /// <summary>Learning rate.</summary>
    [Doc("Learning rate.")]
    [Within(0, 1e6, AboveLow = true)]
    public double LearningRate { get; init; } = 0.01;

    /// <summary>ρ.</summary>
    [Doc("Share of the last step that is kept.")]
    [Within(0, 1, BelowHigh = true)]
    public double Momentum { get; init; } = 0.9;

    /// <inheritdoc/>
    public override double Rate => LearningRate;
}

/// <summary>RMSProp (Tieleman and Hinton 2012): v ← αv + (1−α)g², w ← w − η·g/(√v + ε).</summary>
[Doc("RMSProp.")]
public sealed record RmsPropSection : OptimizerSection
{
    /// <summary>Learning rate.</summary>
    [Doc("Learning rate.")]
    [Within(0, 1e6, AboveLow = true)]
    public double LearningRate { get; init; } = 0.01;

    /// <summary>α.</summary>
    [Doc("Share of the mean square that is kept.")]
    [Within(0, 1, BelowHigh = true)]
    public double Decay { get; init; } = 0.99;

    /// <summary>ε.</summary>
    [Doc("Keeps the divisor from zero.")]
    [Within(0, 1, AboveLow = true)]
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    public override double Rate => LearningRate;
}

/// <summary>Adam (Kingma and Ba 2015, arXiv:1412.6980), Algorithm 1.</summary>
[Doc("Adam.")]
public sealed record AdamSection : OptimizerSection
{
    /// <summary>Learning rate.</summary>
    [Doc("Learning rate.")]
    [Within(0, 1e6, AboveLow = true)]
    public double LearningRate { get; init; } = 0.001;

    /// <summary>β₁.</summary>
    [Doc("Share of the mean gradient that is kept.")]
    [Within(0, 1, BelowHigh = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂.</summary>
    [Doc("Share of the mean square that is kept.")]
    [Within(0, 1, BelowHigh = true)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε.</summary>
    [Doc("Keeps the divisor from zero.")]
    [Within(0, 1, AboveLow = true)]
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    public override double Rate => LearningRate;
}

/// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101): w ← w − η·λ·w besides Adam's step.</summary>
[Doc("Adam with decoupled weight decay.")]
public sealed record AdamWSection : OptimizerSection
{
    /// <summary>Learning rate.</summary>
    [Doc("Learning rate.")]
    [Within(0, 1e6, AboveLow = true)]
    public double LearningRate { get; init; } = 0.001;

    /// <summary>β₁.</summary>
    [Doc("Share of the mean gradient that is kept.")]
    [Within(0, 1, BelowHigh = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂.</summary>
    [Doc("Share of the mean square that is kept.")]
    [Within(0, 1, BelowHigh = true)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε.</summary>
    [Doc("Keeps the divisor from zero.")]
    [Within(0, 1, AboveLow = true)]
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    public override double Rate => LearningRate;
}

/// <summary>L-BFGS over all rows at once (Nocedal and Wright 2006, Algorithm 7.5), for small convex models. An epoch is one iteration.</summary>
[Doc("L-BFGS over all rows at once, for small convex models; an epoch is one iteration.")]
public sealed record LbfgsSection : OptimizerSection
{
    /// <summary>Pairs of differences that are kept.</summary>
    [Doc("Pairs of differences that are kept.")]
    [Within(1, 100)]
    public int History { get; init; } = 10;

    /// <summary>Training has converged when no component of the gradient is larger.</summary>
    [Doc("Training has converged when no component of the gradient is larger.")]
    [Within(0, 1, AboveLow = true)]
    public double Tolerance { get; init; } = 1e-5;

    /// <inheritdoc/>
    public override double Rate => 1;

    /// <inheritdoc/>
    public override bool HasState => false;
}
