using Comity.Declarations;

namespace Comity.Federation.Strategies;

/// <summary>A model for each site besides the common one.</summary>
[Kind("fine-tune", typeof(FineTuneSection))]
[Kind("ditto", typeof(DittoSection))]
[Kind("fedbn", typeof(FedBnSection))]
public abstract record PersonaliseSection
{
    /// <summary>Name in the study file.</summary>
    public abstract string Kind { get; }
}

/// <summary>Each site goes on training the finished common model on its own rows.</summary>
public sealed record FineTuneSection : PersonaliseSection
{
    /// <inheritdoc/>
    public override string Kind => "fine-tune";

    /// <summary>Epochs.</summary>
    [Doc("Epochs of fine-tuning."), Within(1, 100_000)]
    public int Epochs { get; init; } = 5;

    /// <summary>μ/2 ‖w − w_common‖² holds the personal model near the common one; 0: free.</summary>
    [Doc("Pull towards the common model while fine-tuning."), Within(0, 1e6)]
    public double Proximal { get; init; }

    /// <summary>Overrides of the training section while fine-tuning.</summary>
    [Doc("Keys of the training section that differ while fine-tuning.")]
    public DeclaredNode? Training { get; init; }
}

/// <summary>Ditto (Li et al. 2021, arXiv:2012.04221): beside the common model each site trains its own, pulled towards it.</summary>
public sealed record DittoSection : PersonaliseSection
{
    /// <inheritdoc/>
    public override string Kind => "ditto";

    /// <summary>λ.</summary>
    [Doc("Pull of the personal model towards the common one."), Within(0, 1e6)]
    public double Lambda { get; init; } = 1;

    /// <summary>Epochs of the personal model in each round; null: as many as the common one's.</summary>
    [Doc("Epochs of the personal model in each round; as many as the common one's by default."), Within(1, 100_000)]
    public int? Epochs { get; init; }
}

/// <summary>FedBN (Li et al. 2021, arXiv:2102.07623): batch normalisation stays at the site.</summary>
public sealed record FedBnSection : PersonaliseSection
{
    /// <inheritdoc/>
    public override string Kind => "fedbn";
}
