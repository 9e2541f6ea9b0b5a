using System.Text.Json.Serialization;

namespace Comity.Federation.Sites;

/// <summary>Which of a site's rows are meant.</summary>
public enum RowSplit
{
    /// <summary>Rows that models are trained on.</summary>
    Training,

    /// <summary>Rows held out within the training part: choices are made on these.</summary>
    Validation,

    /// <summary>Rows held out for judging: read once.</summary>
    Test,
}

/// <summary>Asks a site to judge a model.</summary>
public sealed record EvaluationTask
{
    /// <summary>Repeat of the study, from 0.</summary>
    public required int Repeat { get; init; }

    /// <summary>Id of the model; names the bootstrap's random stream.</summary>
    public required string Model { get; init; }

    /// <summary>All statistics as agreed.</summary>
    public required Statistics Agreed { get; init; }

    /// <summary>The parameters, shape [P]; empty: those that the site keeps under the model's id.</summary>
    public required ReadOnlyMemory<float> Parameters { get; init; }

    /// <summary>Rows to judge on.</summary>
    public required RowSplit Split { get; init; }

    /// <summary>Whether intervals and curves are wanted besides the values.</summary>
    public bool Detailed { get; init; }

    /// <summary>Whether predictions row by row are wanted (a simulation only: they are personal data).</summary>
    public bool WithPredictions { get; init; }
}

/// <summary>A number with its interval.</summary>
/// <param name="Value">The estimate; NaN where it is undefined (a ROC AUC with one class).</param>
/// <param name="Low">Lower end of the interval; NaN: none.</param>
/// <param name="High">Upper end of the interval; NaN: none.</param>
public readonly record struct Estimate(double Value, double Low, double High);

/// <summary>What judging gave.</summary>
public sealed record EvaluationResult
{
    /// <summary>Rows judged.</summary>
    public required int Rows { get; init; }

    /// <summary>Metrics by their standard names (<c>accuracy</c>, <c>rocAuc</c>, <c>logLoss</c>, <c>rmse</c>, …).</summary>
    public required IReadOnlyDictionary<string, Estimate> Metrics { get; init; }

    /// <summary>Rows by class, in the order of the classes; empty for regression.</summary>
    public IReadOnlyList<int> ClassCounts { get; init; } = [];

    /// <summary>Confusion matrix by rows of the true class; empty for regression.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Confusion { get; init; } = [];

    /// <summary>ROC curve (x false positive rate, y true positive rate); empty where undefined.</summary>
    public IReadOnlyList<CurvePoint> Roc { get; init; } = [];

    /// <summary>Rows of two classes by score, from the lowest to the highest, from which all sites' rows are ranked together; null: not told. It stands in no file.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ScoreRun>? Scores { get; init; }

    /// <summary>Calibration (x mean predicted probability, y observed share) by bin.</summary>
    public IReadOnlyList<CurvePoint> Calibration { get; init; } = [];

    /// <summary>The same metrics by value of a sensitive attribute: attribute, group, rows, metrics.</summary>
    public IReadOnlyList<GroupResult> Groups { get; init; } = [];

    /// <summary>How unequal the model's decisions are between the groups of each sensitive attribute; empty unless there are two classes.</summary>
    public IReadOnlyList<FairnessResult> Fairness { get; init; } = [];

    /// <summary>Predictions row by row, where asked for and allowed.</summary>
    public IReadOnlyList<Prediction> Predictions { get; init; } = [];

    /// <summary>What is thin or undefined: a code and its arguments after colons, such as <c>one-class</c>, <c>few-of-class:3:stage%3A 2</c> (<c>%3A</c> a colon, <c>%25</c> a percent sign).</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>A point of a curve, with the rows behind it.</summary>
public readonly record struct CurvePoint(double X, double Y, int Rows);

/// <summary>Neighbouring bins of a histogram of scores, told as one.</summary>
/// <param name="Bins">How many bins.</param>
/// <param name="Negatives">Rows of the first class in them.</param>
/// <param name="Positives">Rows of the second class in them.</param>
public readonly record struct ScoreRun(int Bins, int Negatives, int Positives);

/// <summary>Results within one group of a sensitive attribute.</summary>
public sealed record GroupResult(string Attribute, string Group, int Rows, IReadOnlyDictionary<string, Estimate> Metrics);

/// <summary>How unequal a model's decisions are between groups.</summary>
/// <param name="Attribute">The sensitive attribute.</param>
/// <param name="Rows">Rows whose group is known.</param>
/// <param name="SmallestGroup">Rows of the smallest group that has any.</param>
/// <param name="Measures">Measures by name (<c>demographicParityDifference</c>, <c>equalisedOddsDifference</c>, <c>equalOpportunityDifference</c>, …).</param>
/// <param name="Supports">The fewest rows that a rate behind a measure stands on, by the measure's name: selection rates need rows, true positive rates positive rows, equalised odds both.</param>
public sealed record FairnessResult(
    string Attribute, int Rows, int SmallestGroup, IReadOnlyDictionary<string, Estimate> Measures, IReadOnlyDictionary<string, int> Supports);

/// <summary>One row's prediction.</summary>
/// <param name="Row">The record's position in its source, from 0.</param>
/// <param name="Label">The true class or value as text.</param>
/// <param name="Outputs">Probability by class (for a binary label: negative, positive), or the one predicted value.</param>
public sealed record Prediction(int Row, string Label, IReadOnlyList<float> Outputs);

/// <summary>Asks a site to compare two models on the same test rows.</summary>
public sealed record ComparisonTask
{
    /// <summary>Repeat of the study, from 0.</summary>
    public required int Repeat { get; init; }

    /// <summary>All statistics as agreed.</summary>
    public required Statistics Agreed { get; init; }

    /// <summary>Id of the model to improve on.</summary>
    public required string Baseline { get; init; }

    /// <summary>Its parameters, shape [P]; empty: those that the site keeps under the id.</summary>
    public required ReadOnlyMemory<float> BaselineParameters { get; init; }

    /// <summary>Id of the model that may be better.</summary>
    public required string Candidate { get; init; }

    /// <summary>Its parameters, shape [P]; empty: those that the site keeps under the id.</summary>
    public required ReadOnlyMemory<float> CandidateParameters { get; init; }
}

/// <summary>What a comparison gave.</summary>
/// <param name="Rows">Test rows compared.</param>
/// <param name="Differences">One for each metric tested.</param>
public sealed record ComparisonResult(int Rows, IReadOnlyList<PairedDifference> Differences);

/// <summary>Candidate minus baseline on the same rows.</summary>
/// <param name="Metric">Metric's name.</param>
/// <param name="Difference">The difference; NaN where undefined.</param>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end of the interval.</param>
/// <param name="StandardError">Standard error of the difference.</param>
/// <param name="P">Two-sided p of no difference, before any correction.</param>
/// <param name="Test">The test: <c>bootstrap</c>, <c>mcnemar</c> or <c>delong</c>.</param>
/// <param name="Detectable">Smallest true difference that this test would have found with power 0.8 at level 0.05.</param>
public sealed record PairedDifference(
    string Metric, double Difference, double Low, double High, double StandardError, double P, string Test, double Detectable);
