using Comity.Declarations;

namespace Comity.Learning.Models;

/// <summary>What a transformer's steps see.</summary>
public enum TransformerStyle
{
    /// <summary>Each step sees all others (Devlin et al. 2018, arXiv:1810.04805).</summary>
    Encoder,

    /// <summary>Each step sees itself and what came before (Radford et al. 2019).</summary>
    Decoder,
}

/// <summary>How a transformer knows where a step stands.</summary>
public enum TransformerPositions
{
    /// <summary>A vector for each position, learned.</summary>
    Learned,

    /// <summary>Queries and keys are turned by an angle that grows with the position (Su et al. 2021, arXiv:2104.09864).</summary>
    Rotary,
}

/// <summary>How a transformer's layers are normalised.</summary>
public enum TransformerNorm
{
    /// <summary>Layer normalisation.</summary>
    Layer,

    /// <summary>By the root of the mean square alone (Zhang and Sennrich 2019, arXiv:1910.07467).</summary>
    Rms,
}

/// <summary>What stands between the two products of a transformer's feed-forward part.</summary>
public enum TransformerUnit
{
    /// <summary>The activation gelu.</summary>
    Gelu,

    /// <summary>A gate: silu(a)·b (Shazeer 2020, arXiv:2002.05202).</summary>
    Swiglu,
}

/// <summary>Which state of an encoder stands for the whole row.</summary>
public enum TransformerPooling
{
    /// <summary>That of the first step, as BERT's CLS.</summary>
    First,

    /// <summary>The mean over all steps that are not padding.</summary>
    Mean,
}

/// <summary>A transformer over a text or a series (Vaswani et al. 2017, arXiv:1706.03762), normalised before each part.</summary>
[Doc("A transformer over a text or a series: style encoder sees all steps (BERT), decoder sees only earlier ones (GPT).")]
public sealed record TransformerSection : NetworkSection, ICheckedDeclaration
{
    /// <inheritdoc/>
    public override string Kind => "transformer";

    /// <summary>What steps see.</summary>
    [Doc("encoder: each step sees all others; decoder: each step sees itself and earlier ones.")]
    public required TransformerStyle Style { get; init; }

    /// <summary>Layers.</summary>
    [Doc("Layers.")]
    [Within(1, 256)]
    public int Layers { get; init; } = 2;

    /// <summary>Width of a step's vector.</summary>
    [Doc("Width of each step's vector; a multiple of heads.")]
    [Within(2, 65_536)]
    public int Width { get; init; } = 128;

    /// <summary>Heads of the attention.</summary>
    [Doc("Heads of the attention.")]
    [Within(1, 1024)]
    public int Heads { get; init; } = 4;

    /// <summary>Width of the feed-forward part; null: 4·width, and ⅔ of that for swiglu.</summary>
    [Doc("Width of the feed-forward part; left out: four times the width (two thirds of that for swiglu).")]
    [Within(1, 1_048_576)]
    public int? FeedForward { get; init; }

    /// <summary>How a step knows where it stands.</summary>
    [Doc("How a step knows where it stands: learned (a vector for each position) or rotary.")]
    public TransformerPositions Positions { get; init; } = TransformerPositions.Learned;

    /// <summary>The normalisation.</summary>
    [Doc("The normalisation: layer or rms.")]
    public TransformerNorm Norm { get; init; } = TransformerNorm.Layer;

    /// <summary>What stands within the feed-forward part.</summary>
    [Doc("What stands within the feed-forward part: gelu or swiglu.")]
    public TransformerUnit Unit { get; init; } = TransformerUnit.Gelu;

    /// <summary>Share zeroed in training.</summary>
    [Doc("Share of the embedding and of each part's output that is zeroed at random in training.")]
    [Within(0, 1, BelowHigh = true)]
    public double Dropout { get; init; }

    /// <summary>Whether tokens are predicted by the vectors that they are read by (Press and Wolf 2016, arXiv:1608.05859).</summary>
    [Doc("Whether tokens are predicted by the same vectors that they are read by.")]
    public bool TiedEmbeddings { get; init; } = true;

    /// <summary>Kinds of segments that the separator tells apart; 1: none.</summary>
    [Doc("Segments that separator tokens tell apart, each with a vector of its own; 1: none.")]
    [Within(1, 64)]
    public int Segments { get; init; } = 1;

    /// <summary>What stands for the whole row, for classes and values.</summary>
    [Doc("What stands for the whole row where an encoder predicts a class or a value: the state of the first step, or the mean. A decoder takes the last.")]
    public TransformerPooling Pooling { get; init; } = TransformerPooling.Mean;

    internal int HeadWidth => Width / Heads;

    internal int FeedForwardWidth => FeedForward ?? (Unit == TransformerUnit.Gelu ? 4 * Width : (8 * Width / 3 + 15) / 16 * 16);

    /// <inheritdoc/>
    public override void CheckTask(TaskKind task, Place at, ProblemList problems)
    {
        if (task == TaskKind.NextToken && Style == TransformerStyle.Encoder) problems.Add(Messages.Problem("sees-the-future", at, "transformer (encoder)"));
        if (task == TaskKind.MaskedToken && Style == TransformerStyle.Decoder) problems.Add(Messages.Problem("sees-no-future", at, "transformer (decoder)"));
    }

    /// <inheritdoc/>
    public override void CheckInput(InputShape input, Place at, ProblemList problems)
    {
        if (input is not (SeriesInput or TokenInput or TaggedInput)) problems.Add(Messages.Problem("model-needs-input", at, Kind, "series, tokens", InputNames.Of(input)));
    }

    void ICheckedDeclaration.Check(DeclaredNode.Map at, ProblemList problems)
    {
        var place = at["heads"]?.Place ?? at["width"]?.Place ?? at.Place;
        if (Width % Heads != 0) problems.Add(Messages.Problem("heads-do-not-divide", place, Width, Heads));
        else if (Positions == TransformerPositions.Rotary && HeadWidth % 2 != 0) problems.Add(Messages.Problem("rotary-odd", place, HeadWidth));
    }
}
