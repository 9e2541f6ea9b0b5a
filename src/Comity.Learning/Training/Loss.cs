using Comity.Declarations;

namespace Comity.Learning.Training;

/// <summary>What training minimises.</summary>
[Doc("What training minimises.")]
public enum Loss
{
    /// <summary>Mean negative log-likelihood of the label's class.</summary>
    CrossEntropy,

    /// <summary>Mean squared error.</summary>
    Mse,

    /// <summary>Mean absolute error.</summary>
    Mae,

    /// <summary>Square near zero, straight beyond δ (Huber 1964).</summary>
    Huber,
}

internal static class LossNames
{
    public static string Of(Loss loss) => loss switch
    {
        Loss.CrossEntropy => "cross-entropy",
        Loss.Mse => "mse",
        Loss.Mae => "mae",
        _ => "huber",
    };
}
