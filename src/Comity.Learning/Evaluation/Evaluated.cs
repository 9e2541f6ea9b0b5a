namespace Comity.Learning.Evaluation;

/// <summary>A number with its interval.</summary>
/// <param name="Value">The estimate; NaN where it is undefined (a ROC AUC with one class).</param>
/// <param name="Low">Lower end of the interval; NaN: none.</param>
/// <param name="High">Upper end of the interval; NaN: none.</param>
public readonly record struct MetricEstimate(double Value, double Low, double High);

/// <summary>A point of a curve, with the rows behind it.</summary>
public readonly record struct CurveSample(double X, double Y, int Rows);

/// <summary>How a model did on some rows.</summary>
public sealed record Evaluated
{
    /// <summary>Rows judged.</summary>
    public required int Rows { get; init; }

    /// <summary>Metrics by name (<see cref="MetricNames"/>), in the order of reports.</summary>
    public required IReadOnlyDictionary<string, MetricEstimate> Metrics { get; init; }

    /// <summary>Rows by class, in the order of the classes; empty for regression.</summary>
    public IReadOnlyList<int> ClassCounts { get; init; } = [];

    /// <summary>Confusion matrix: a list by true class of counts by predicted class; empty for regression.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Confusion { get; init; } = [];

    /// <summary>ROC curve from (0, 0) to (1, 1): x false positive rate, y true positive rate, rows called positive; two classes only.</summary>
    public IReadOnlyList<CurveSample> Roc { get; init; } = [];

    /// <summary>Calibration by bin that holds rows: x mean predicted probability, y observed share. Of the positive class, or of the predicted one if there are several.</summary>
    public IReadOnlyList<CurveSample> Calibration { get; init; } = [];

    /// <summary>Rows by probability of the positive class in 20 bins of equal width, for each true class; two classes only.</summary>
    public IReadOnlyList<IReadOnlyList<int>> ScoreHistogram { get; init; } = [];

    /// <summary>Resamples in which a metric was undefined, such as those with one class; they count for no interval of that metric.</summary>
    public int UndefinedResamples { get; init; }

    /// <summary>What is thin or undefined, as codes with arguments; see <see cref="EvaluationWarnings"/>.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
