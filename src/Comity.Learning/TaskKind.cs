namespace Comity.Learning;

/// <summary>What a model predicts.</summary>
public enum TaskKind
{
    /// <summary>One of two classes; the positive class is the second.</summary>
    Binary,

    /// <summary>One of three or more classes.</summary>
    Multiclass,

    /// <summary>A number.</summary>
    Regression,

    /// <summary>Each token of a text from those before it. A row's output is the cost of its tokens in nats; its label is how many there are.</summary>
    NextToken,

    /// <summary>Hidden tokens of a text from those around them (Devlin et al. 2018, arXiv:1810.04805). Output and label as for <see cref="NextToken"/>.</summary>
    MaskedToken,

    /// <summary>A tag for each token of a text. A row's outputs are <see cref="Tagging.TaggingOutputs"/>; its label is how many tokens have a tag.</summary>
    Tagging,
}
