namespace Comity.Insight.Evidence;

/// <summary>What must be known of a metric to compare and draw its values.</summary>
public static class MetricTraits
{
    private static readonly HashSet<string> LowerIsBetter = new(StringComparer.Ordinal) { "logLoss", "brier", "ece", "mce", "mse", "rmse", "mae", "bitsPerCharacter", "perplexity", "tokenLogLoss", "loss" };

    /// <summary>Metrics that a report knows by name, in the order in which it lists them.</summary>
    public static IReadOnlyList<string> Known { get; } =
    [
        "rocAuc", "prAuc", "accuracy", "majorityShare", "balancedAccuracy", "precision", "recall", "specificity", "f1", "precisionMacro", "recallMacro", "f1Macro",
        "precisionWeighted", "recallWeighted", "f1Weighted", "logLoss", "brier", "ece", "mce", "rmse", "mse", "mae", "r2", "bitsPerCharacter", "perplexity",
        "entityF1", "entityPrecision", "entityRecall", "tokenAccuracy", "tokenLogLoss", "loss",
    ];

    /// <summary>Whether a larger value is a better model.</summary>
    public static bool HigherIsBetter(string metric) => !LowerIsBetter.Contains(metric);

    /// <summary>A difference as a gain: positive where the candidate is better.</summary>
    public static double Gain(string metric, double difference) => HigherIsBetter(metric) ? difference : -difference;
}
