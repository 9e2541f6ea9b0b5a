using Comity.Declarations;

namespace Comity.Federation.Studies;

/// <summary>A model that starts from given ones and joins them.</summary>
[Doc("A model that starts from given ones, such as each site's own, and joins them.")]
public sealed record CombinedSection
{
    /// <summary>Name within the study; null: how they are joined.</summary>
    [Doc("Name within the study; how they are joined by default.")]
    public string? Name { get; init; }

    /// <summary><c>local</c> for every site's own model, or paths of safetensors files.</summary>
    [Doc("'local' for every site's own model, or paths of safetensors files."), AtLeast(1)]
    public IReadOnlyList<string> From { get; init; } = ["local"];

    /// <summary>How they are joined.</summary>
    [Doc("How they are joined.")]
    public CombineBy By { get; init; } = new CombineByAverage();

    /// <summary>Whether the sites' own models are joined rather than files.</summary>
    public bool FromLocal => From is ["local"];

    /// <summary>The name that stands in model ids.</summary>
    public string Id => Name ?? By.Kind;

    /// <summary>The rounds after the mean, as a federation of their own.</summary>
    internal FederationSection AsFederation() => new() { Name = Id, Rounds = Math.Max(1, By.RoundsOrNone), LocalEpochs = By.EpochsInRound };
}

/// <summary>How given models are joined.</summary>
[Kind("average", typeof(CombineByAverage))]
[Kind("fine-tune", typeof(CombineByFineTuning))]
[Kind("distil", typeof(CombineByDistillation))]
public abstract record CombineBy
{
    /// <summary>Name in the study file.</summary>
    public abstract string Kind { get; }

    /// <summary>Rounds of federated training after the average.</summary>
    internal abstract int RoundsOrNone { get; }

    /// <summary>Epochs at each site in each round.</summary>
    internal abstract int EpochsInRound { get; }
}

/// <summary>The mean of the parameters, weighted by training rows where they are known.</summary>
public sealed record CombineByAverage : CombineBy
{
    /// <inheritdoc/>
    public override string Kind => "average";
    internal override int RoundsOrNone => 0;
    internal override int EpochsInRound => 1;
}

/// <summary>Federated averaging that starts from the mean.</summary>
public sealed record CombineByFineTuning : CombineBy
{
    /// <inheritdoc/>
    public override string Kind => "fine-tune";

    /// <summary>Rounds.</summary>
    [Within(1, 1_000_000)]
    public int Rounds { get; init; } = 10;

    /// <summary>Epochs at each site in each round.</summary>
    [Within(1, 100_000)]
    public int LocalEpochs { get; init; } = 1;
    internal override int RoundsOrNone => Rounds;
    internal override int EpochsInRound => LocalEpochs;
}

/// <summary>
/// Federated averaging that starts from the mean; besides the labels each site learns from the outputs of a given model
/// on its own rows, another one in each round, so that what foreign records taught reaches it without them.
/// </summary>
public sealed record CombineByDistillation : CombineBy
{
    /// <inheritdoc/>
    public override string Kind => "distil";

    /// <summary>Rounds.</summary>
    [Within(1, 1_000_000)]
    public int Rounds { get; init; } = 10;

    /// <summary>Epochs at each site in each round.</summary>
    [Within(1, 100_000)]
    public int LocalEpochs { get; init; } = 1;
    internal override int RoundsOrNone => Rounds;
    internal override int EpochsInRound => LocalEpochs;
}
