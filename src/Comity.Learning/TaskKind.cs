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
}
