namespace Comity.Learning.Evaluation;

/// <summary>The names of all metrics, as they stand in study files and results, and what is known of them.</summary>
public static class MetricNames
{
#pragma warning disable CS1591 // the names are the documentation; what each means is said where it is computed
    public const string Accuracy = "accuracy";
    public const string MajorityShare = "majorityShare";
    public const string BalancedAccuracy = "balancedAccuracy";
    public const string Precision = "precision";
    public const string Recall = "recall";
    public const string Specificity = "specificity";
    public const string F1 = "f1";
    public const string PrecisionMacro = "precisionMacro";
    public const string RecallMacro = "recallMacro";
    public const string F1Macro = "f1Macro";
    public const string PrecisionWeighted = "precisionWeighted";
    public const string RecallWeighted = "recallWeighted";
    public const string F1Weighted = "f1Weighted";
    public const string RocAuc = "rocAuc";
    public const string PrAuc = "prAuc";
    public const string LogLoss = "logLoss";
    public const string Brier = "brier";
    public const string Ece = "ece";
    public const string Mce = "mce";
    public const string Mse = "mse";
    public const string Rmse = "rmse";
    public const string Mae = "mae";
    public const string R2 = "r2";
    public const string BitsPerCharacter = "bitsPerCharacter";
    public const string Perplexity = "perplexity";
    public const string TokenAccuracy = "tokenAccuracy";
    public const string EntityPrecision = "entityPrecision";
    public const string EntityRecall = "entityRecall";
    public const string EntityF1 = "entityF1";
    public const string TokenLogLoss = "tokenLogLoss";
#pragma warning restore CS1591

    private static readonly string[] Shared =
        [PrecisionMacro, RecallMacro, F1Macro, PrecisionWeighted, RecallWeighted, F1Weighted, RocAuc, PrAuc, LogLoss, Brier, Ece, Mce];

    private static readonly string[] BinaryNames =
        [Accuracy, MajorityShare, BalancedAccuracy, Precision, Recall, Specificity, F1, .. Shared];

    private static readonly string[] MulticlassNames = [Accuracy, MajorityShare, BalancedAccuracy, .. Shared];

    private static readonly string[] RegressionNames = [Mse, Rmse, Mae, R2];

    private static readonly string[] LanguageNames = [BitsPerCharacter, Perplexity];

    private static readonly string[] TaggingNames = [EntityF1, EntityPrecision, EntityRecall, TokenAccuracy, TokenLogLoss];

    private static readonly string[] Compared = [Accuracy, BalancedAccuracy, F1Macro, RocAuc, PrAuc, LogLoss, Brier];

    private static readonly string[] ComparedBinary = [Accuracy, BalancedAccuracy, F1, RocAuc, PrAuc, LogLoss, Brier];

    /// <summary>The metrics of a task, in the order of reports.</summary>
    public static IReadOnlyList<string> Of(TaskKind task) => task switch
    {
        TaskKind.Binary => BinaryNames,
        TaskKind.Multiclass => MulticlassNames,
        TaskKind.NextToken or TaskKind.MaskedToken => LanguageNames,
        TaskKind.Tagging => TaggingNames,
        _ => RegressionNames,
    };

    /// <summary>The metrics that two models are compared by.</summary>
    public static IReadOnlyList<string> ComparedFor(TaskKind task) => task switch
    {
        TaskKind.Binary => ComparedBinary,
        TaskKind.Multiclass => Compared,
        TaskKind.NextToken or TaskKind.MaskedToken => LanguageNames,
        TaskKind.Tagging => TaggingNames,
        _ => RegressionNames,
    };

    /// <summary>The metric that decides where the study names none.</summary>
    public static string PrimaryOf(TaskKind task) => task switch
    {
        TaskKind.Binary => RocAuc,
        TaskKind.Multiclass => Accuracy,
        TaskKind.NextToken or TaskKind.MaskedToken => BitsPerCharacter,
        TaskKind.Tagging => EntityF1,
        _ => Rmse,
    };

    /// <summary>Whether a larger value is a better model.</summary>
    public static bool HigherIsBetter(string metric) => metric is not (LogLoss or Brier or Ece or Mce or Mse or Rmse or Mae or BitsPerCharacter or Perplexity or TokenLogLoss);

    /// <summary>Whether chance makes the metric larger, the more so with fewer rows.</summary>
    internal static bool IsInflated(string metric) => metric is Ece or Mce or MajorityShare;

    /// <summary>The values a metric can take at all.</summary>
    internal static (double Low, double High) RangeOf(string metric) => metric switch
    {
        R2 => (double.NegativeInfinity, 1),
        LogLoss or Mse or Rmse or Mae or BitsPerCharacter or TokenLogLoss => (0, double.PositiveInfinity),
        Perplexity => (1, double.PositiveInfinity),
        Brier => (0, 2), // several classes: squares are summed over them
        _ => (0, 1),
    };
}
