using Comity.Declarations;

namespace Comity.Federation.Strategies;

/// <summary>How updates become the next model.</summary>
/// <remarks>Defaults are those of the papers; see <c>docs/federation.md</c>.</remarks>
[Kind("fedavg", typeof(FedAvgSection))]
[Kind("fedavgm", typeof(FedAvgMSection))]
[Kind("fedprox", typeof(FedProxSection))]
[Kind("scaffold", typeof(ScaffoldSection))]
[Kind("fednova", typeof(FedNovaSection))]
[Kind("fedadam", typeof(FedAdamSection))]
[Kind("fedyogi", typeof(FedYogiSection))]
[Kind("fedadagrad", typeof(FedAdagradSection))]
[Kind("median", typeof(MedianSection))]
[Kind("trimmed-mean", typeof(TrimmedMeanSection))]
[Kind("krum", typeof(KrumSection))]
[Kind("multi-krum", typeof(MultiKrumSection))]
[Kind("geometric-median", typeof(GeometricMedianSection))]
public abstract record StrategySection
{
    /// <summary>Name in the study file.</summary>
    public abstract string Kind { get; }

    /// <summary>Fewest updates with which the rule means anything.</summary>
    public virtual int FewestUpdates => 1;
}

/// <summary>Federated averaging (McMahan et al. 2017, arXiv:1602.05629): w += Σ pₖ Δₖ.</summary>
public sealed record FedAvgSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "fedavg";
}

/// <summary>Server momentum (Hsu et al. 2019, arXiv:1909.06335): v = β v + Δ; w += η v. With Nesterov's look ahead w += η (Δ + β v).</summary>
public sealed record FedAvgMSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "fedavgm";

    /// <summary>η.</summary>
    [Doc("Learning rate of the server."), Within(0, 1e6, AboveLow = true)]
    public double ServerLearningRate { get; init; } = 1;

    /// <summary>β.</summary>
    [Doc("Momentum of the server."), Within(0, 1, BelowHigh = true)]
    public double Momentum { get; init; } = 0.9;

    /// <summary>Whether the step looks ahead along the velocity.</summary>
    [Doc("Nesterov's momentum: the step looks ahead along the velocity (DiLoCo, arXiv:2311.08105, with serverLearningRate 0.7).")]
    public bool Nesterov { get; init; }
}

/// <summary>FedProx (Li et al. 2020, arXiv:1812.06127): sites add μ/2 ‖w − w_t‖² to their loss; averaging as in FedAvg.</summary>
public sealed record FedProxSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "fedprox";

    /// <summary>μ; the paper tries 0.001 to 1 and has no default.</summary>
    [Doc("Pull towards the common model; the paper tries 0.001, 0.01, 0.1, 0.5 and 1."), Within(0, 1e6)]
    public required double Mu { get; init; }
}

/// <summary>SCAFFOLD, option II (Karimireddy et al. 2020, arXiv:1910.06378): control variates correct each site's drift.</summary>
public sealed record ScaffoldSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "scaffold";

    /// <summary>η_g.</summary>
    [Doc("Learning rate of the server."), Within(0, 1e6, AboveLow = true)]
    public double ServerLearningRate { get; init; } = 1;
}

/// <summary>FedNova (Wang et al. 2020, arXiv:2007.07481): updates are divided by how far each site has stepped.</summary>
public sealed record FedNovaSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "fednova";
}

/// <summary>FedAdam (Reddi et al. 2021, arXiv:2003.00295, Algorithm 2): no bias correction, v₋₁ = τ².</summary>
public sealed record FedAdamSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "fedadam";

    /// <summary>η.</summary>
    [Doc("Learning rate of the server."), Within(0, 1e6, AboveLow = true)]
    public double ServerLearningRate { get; init; } = 0.1;

    /// <summary>β₁.</summary>
    [Doc("Decay of the first moment."), Within(0, 1, BelowHigh = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂.</summary>
    [Doc("Decay of the second moment."), Within(0, 1, BelowHigh = true)]
    public double Beta2 { get; init; } = 0.99;

    /// <summary>τ.</summary>
    [Doc("Degree of adaptivity."), Within(0, 1e6, AboveLow = true)]
    public double Tau { get; init; } = 1e-3;
}

/// <summary>FedYogi (Reddi et al. 2021): the second moment moves by the sign of its error.</summary>
public sealed record FedYogiSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "fedyogi";

    /// <summary>η.</summary>
    [Doc("Learning rate of the server."), Within(0, 1e6, AboveLow = true)]
    public double ServerLearningRate { get; init; } = 0.01;

    /// <summary>β₁.</summary>
    [Doc("Decay of the first moment."), Within(0, 1, BelowHigh = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂.</summary>
    [Doc("Decay of the second moment."), Within(0, 1, BelowHigh = true)]
    public double Beta2 { get; init; } = 0.99;

    /// <summary>τ.</summary>
    [Doc("Degree of adaptivity."), Within(0, 1e6, AboveLow = true)]
    public double Tau { get; init; } = 1e-3;
}

/// <summary>FedAdagrad (Reddi et al. 2021): the second moment is a running sum.</summary>
public sealed record FedAdagradSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "fedadagrad";

    /// <summary>η.</summary>
    [Doc("Learning rate of the server."), Within(0, 1e6, AboveLow = true)]
    public double ServerLearningRate { get; init; } = 0.1;

    /// <summary>β₁; the paper's experiments use none for Adagrad.</summary>
    [Doc("Decay of the first moment."), Within(0, 1, BelowHigh = true)]
    public double Beta1 { get; init; }

    /// <summary>τ.</summary>
    [Doc("Degree of adaptivity."), Within(0, 1e6, AboveLow = true)]
    public double Tau { get; init; } = 1e-3;
}

/// <summary>The median of each coordinate, every site counting once (Yin et al. 2018, arXiv:1803.01498).</summary>
public sealed record MedianSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "median";
}

/// <summary>The mean of each coordinate without the largest and smallest values (Yin et al. 2018).</summary>
public sealed record TrimmedMeanSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "trimmed-mean";

    /// <summary>Share of the updates dropped at each end.</summary>
    [Doc("Share of the updates dropped at each end, rounded down."), Within(0, 0.5, AboveLow = true, BelowHigh = true)]
    public double Fraction { get; init; } = 0.2;

    /// <summary>Updates dropped at each end of <paramref name="updates"/>.</summary>
    public int Dropped(int updates) => (int)Math.Floor(Fraction * updates + 1e-9);

    /// <inheritdoc/>
    public override int FewestUpdates => (int)Math.Ceiling(1 / Fraction - 1e-9);
}

/// <summary>The update nearest to its neighbours (Blanchard et al. 2017, arXiv:1703.02757); needs n ≥ 2f + 3.</summary>
public sealed record KrumSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "krum";

    /// <summary>f.</summary>
    [Doc("Faulty sites that must be survived."), Within(0, 100_000)]
    public required int Faulty { get; init; }

    /// <inheritdoc/>
    public override int FewestUpdates => 2 * Faulty + 3;
}

/// <summary>The plain mean of the m updates with the best Krum scores (Blanchard et al. 2017); needs n ≥ 2f + 3.</summary>
public sealed record MultiKrumSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "multi-krum";

    /// <summary>f.</summary>
    [Doc("Faulty sites that must be survived."), Within(0, 100_000)]
    public required int Faulty { get; init; }

    /// <summary>m; null: n − f.</summary>
    [Doc("Updates that are averaged; the number of sites less the faulty ones by default."), Within(1, 100_000)]
    public int? Keep { get; init; }

    /// <inheritdoc/>
    public override int FewestUpdates => Math.Max(2 * Faulty + 3, Keep ?? 0);
}

/// <summary>The point with the smallest weighted sum of distances (RFA, Pillutla et al. 2022, arXiv:1912.13445; smoothed Weiszfeld).</summary>
public sealed record GeometricMedianSection : StrategySection
{
    /// <inheritdoc/>
    public override string Kind => "geometric-median";

    /// <summary>Most passes over the updates.</summary>
    [Doc("Most passes over the updates."), Within(1, 10_000)]
    public int Iterations { get; init; } = 32;

    /// <summary>ν: distances below it count as it.</summary>
    [Doc("Distances below it count as it."), Within(0, 1, AboveLow = true)]
    public double Smoothing { get; init; } = 1e-5;

    /// <summary>Stops when the objective falls by a smaller share.</summary>
    [Doc("Stops when the objective falls by a smaller share."), Within(0, 1)]
    public double Tolerance { get; init; } = 1e-6;
}
