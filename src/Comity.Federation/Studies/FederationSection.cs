using Comity.Declarations;
using Comity.Federation.Searches;
using Comity.Federation.Strategies;

namespace Comity.Federation.Studies;

/// <summary>How the sites train together.</summary>
[Doc("How the sites train together: rounds, strategy, who must answer.")]
public sealed record FederationSection
{
    /// <summary>Name within the study; null: the strategy's.</summary>
    [Doc("Name within the study; the strategy's by default.")]
    public string? Name { get; init; }

    /// <summary>How updates become the next model.</summary>
    [Doc("How updates become the next model.")]
    public StrategySection Strategy { get; init; } = new FedAvgSection();

    /// <summary>Rounds.</summary>
    [Doc("Rounds: exchanges with the sites."), Within(1, 1_000_000)]
    public required int Rounds { get; init; }

    /// <summary>Passes over a site's training rows in each round.</summary>
    [Doc("Passes over a site's training rows in each round."), Within(1, 100_000)]
    public int LocalEpochs { get; init; } = 1;

    /// <summary>What becomes of a site's momentum and moments between rounds.</summary>
    [Doc("What a site's optimiser remembers (momentum, Adam's moments) when the next round begins: reset forgets it, kept goes on with it at that site (DiLoCo, arXiv:2311.08105).")]
    public OptimizerMemory OptimizerState { get; init; } = OptimizerMemory.Reset;

    /// <summary>How many of the sites asked must answer.</summary>
    [Doc("How many of the sites asked must answer: all or a number.")]
    public Quorum Quorum { get; init; } = Quorum.All;

    /// <summary>How many sites are asked.</summary>
    [Doc("How many sites are asked in a round: all, a number, or a fraction below 1.")]
    public Cohort Cohort { get; init; } = Cohort.All;

    /// <summary>Sites that are always asked and must answer.</summary>
    [Doc("Sites that are always asked and must answer.")]
    public IReadOnlyList<string> Required { get; init; } = [];

    /// <summary>What a site's update weighs.</summary>
    [Doc("What a site's update weighs: its training rows, or the same for all.")]
    public UpdateWeights Weights { get; init; } = UpdateWeights.Rows;

    /// <summary>What an update must satisfy.</summary>
    [Doc("What an update must satisfy, at the site and at the coordinator.")]
    public GateSection Gate { get; init; } = new();

    /// <summary>What crosses the border in fewer bytes.</summary>
    [Doc("What crosses the border in fewer bytes. Every bit travels by default.")]
    public EncodingSection Encoding { get; init; } = new();

    /// <summary>A model for each site besides the common one; null: none.</summary>
    [Doc("A model for each site besides the common one.")]
    public PersonaliseSection? Personalise { get; init; }

    /// <summary>Overrides of the study's training section for this federation.</summary>
    [Doc("Keys of the training section that differ in this federation.")]
    public DeclaredNode? Training { get; init; }

    /// <summary>Settings to try; null: none.</summary>
    [Doc("Settings to try for this federation; the best on validation rows is taken.")]
    public SearchSection? Search { get; init; }

    /// <summary>This federation with each setting of its search; <see cref="StudyReader"/> binds them.</summary>
    internal IReadOnlyList<FederationSetting> Bound { get; init; } = [];

    /// <summary>This federation with each setting of its search; empty: it has none.</summary>
    public IReadOnlyList<FederationSetting> Settings => Bound;

    /// <summary>The name that stands in model ids.</summary>
    public string Id => Name ?? Strategy.Kind;
}

/// <summary>What a site's update weighs.</summary>
public enum UpdateWeights
{
    /// <summary>Its training rows.</summary>
    Rows,

    /// <summary>The same for every site.</summary>
    Equal,
}

/// <summary>What becomes of a site's momentum and moments between rounds.</summary>
public enum OptimizerMemory
{
    /// <summary>They are forgotten: each round begins afresh (McMahan et al. 2017).</summary>
    Reset,

    /// <summary>They stay at the site, which goes on with them (Douillard et al. 2023, arXiv:2311.08105).</summary>
    Kept,
}

/// <summary>What an update must satisfy.</summary>
public sealed record GateSection
{
    /// <summary>Largest L2 norm of an update; null: any finite one.</summary>
    [Doc("Largest L2 norm of an update, in parameter units."), Within(0, double.PositiveInfinity, AboveLow = true)]
    public double? MaxNorm { get; init; }
}
