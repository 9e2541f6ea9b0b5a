using Comity.Federation.Encodings;
using Comity.Federation.Masking;
using Comity.Federation.Privacy;
using Comity.Federation.Sites;
using Comity.Federation.Strategies;

namespace Comity.Federation.Rounds;

/// <summary>The coordinator's request to one site for one round.</summary>
public sealed record RoundOffer
{
    /// <summary>Id of the model being trained.</summary>
    public required string Model { get; init; }

    /// <summary>Repeat of the study, from 0.</summary>
    public required int Repeat { get; init; }

    /// <summary>Round, from 1.</summary>
    public required int Round { get; init; }

    /// <summary>Digest of the layout that <see cref="Parameters"/> has.</summary>
    public required string LayoutDigest { get; init; }

    /// <summary>The common model, shape [P].</summary>
    public required ReadOnlyMemory<float> Parameters { get; init; }

    /// <summary>All statistics as agreed.</summary>
    public required Statistics Agreed { get; init; }

    /// <summary>Passes over the site's training rows.</summary>
    public required int Epochs { get; init; }

    /// <summary>Epochs before this round.</summary>
    public int EpochsBefore { get; init; }

    /// <summary>FedProx's μ.</summary>
    public float Proximal { get; init; }

    /// <summary>SCAFFOLD's c, shape [P]; empty: no control variates.</summary>
    public ReadOnlyMemory<float> ServerControl { get; init; }

    /// <summary>Fetches a model to learn from, shape [P], when the site is ready for it; null: none.</summary>
    public Func<ReadOnlyMemory<float>>? Teacher { get; init; }

    /// <summary>What the site keeps for itself; null: nothing.</summary>
    public PersonaliseSection? Personalise { get; init; }

    /// <summary>Whether the site's optimiser goes on from what it remembered after the site's round before.</summary>
    public bool KeepsOptimizer { get; init; }

    /// <summary>How the model is written on its way: the site trains from what is left of it. Null: as float32, or it has travelled already.</summary>
    public VectorEncoding? ModelEncoding { get; init; }

    /// <summary>How the update is to be written; null: as float32.</summary>
    public VectorEncoding? Encoding { get; init; }

    /// <summary>Whether the update's digest may be that of its chunks' digests, which the coordinator knows when it has checked each chunk; see <see cref="UpdateHeader.DigestOf"/>.</summary>
    public bool DigestOfChunks { get; init; }

    /// <summary>Overrides of the training section as JSON text; null: none.</summary>
    public string? TrainingOverrides { get; init; }

    /// <summary>Which setting of the federation's search is trained with, from 0; null: it has none.</summary>
    public int? Setting { get; init; }

    /// <summary>The last round to which the site contributed: what it remembers of that one it goes on from, and nothing that it wrote since. 0: none.</summary>
    public int LastContribution { get; init; }

    /// <summary>Told how far the site's training has come; null: nobody asks.</summary>
    public Action<TrainingProgress>? Progress { get; init; }

    /// <summary>Differential privacy of single records that the update must have; null: none.</summary>
    public RecordPrivacy? Private { get; init; }

    /// <summary>The longest update that the site's gate lets out unchanged; null: any.</summary>
    public SiteClip? Clip { get; init; }

    /// <summary>Numbers that are to be summed instead of an update; null: an update is asked for.</summary>
    public SumTask? Sum { get; init; }

    /// <summary>How the update is to be masked; null: it is sent in the clear.</summary>
    public MaskedOffer? Masked { get; init; }

    /// <summary>Largest L2 norm that the site's gate lets out; null: any finite one.</summary>
    public double? MaxNorm { get; init; }
}

/// <summary>A site's answer to a <see cref="RoundOffer"/>.</summary>
public abstract record RoundReply
{
    private RoundReply() { }

    /// <summary>The update went into the sink.</summary>
    public sealed record Delivered(UpdateHeader Header) : RoundReply;

    /// <summary>The site's own gate, or the site itself, refused.</summary>
    /// <param name="Reason">A code of <see cref="RefusalReason"/>.</param>
    public sealed record Refused(string Reason) : RoundReply;
}
