using Comity.Declarations;

namespace Comity.Learning.Evaluation;

/// <summary>How probabilities are put into bins for calibration.</summary>
[Doc("How probabilities are put into bins for calibration.")]
public enum CalibrationBinning
{
    /// <summary>Bins of the same width over [0, 1].</summary>
    EqualWidth,

    /// <summary>Bins that hold the same number of rows, as nearly as ties allow.</summary>
    EqualCount,
}

/// <summary>The study's section <c>evaluation</c>: how models are judged.</summary>
[Doc("How models are judged: intervals, the metric that decides, the threshold, calibration.")]
public sealed record EvaluationSection : ICheckedDeclaration
{
    /// <summary>Fewest resamples that a 95% interval can be read from.</summary>
    private const int FewestResamples = 100;

    /// <summary>Resamples behind each interval; 0: none.</summary>
    [Doc("Bootstrap resamples behind each interval; 0 leaves the intervals out.")]
    [Within(0, 100_000)]
    public int Bootstrap { get; init; } = 1000;

    /// <summary>Level of the intervals.</summary>
    [Doc("Level of all intervals.")]
    [Within(0.5, 1, AboveLow = true, BelowHigh = true)]
    public double Confidence { get; init; } = 0.95;

    /// <summary>The metric that decides; null: the usual one of the task.</summary>
    [Doc("The metric that decides, such as rocAuc; by default rocAuc for two classes, accuracy for more, rmse for a number, bitsPerCharacter for text, entityF1 for tags.")]
    public string? Primary { get; init; }

    /// <summary>A row is called positive from this probability on (two classes only).</summary>
    [Doc("A row is called positive when its probability reaches this value (two classes only).")]
    [Within(0, 1, AboveLow = true, BelowHigh = true)]
    public double Threshold { get; init; } = 0.5;

    /// <summary>Number of calibration bins.</summary>
    [Doc("Number of calibration bins.")]
    [Within(2, 100)]
    public int CalibrationBins { get; init; } = 10;

    /// <summary>How the bins are cut.</summary>
    [Doc("Whether calibration bins have equal width or hold equally many rows.")]
    public CalibrationBinning CalibrationBinning { get; init; } = CalibrationBinning.EqualWidth;

    /// <summary>The metric that decides for a task.</summary>
    public string PrimaryFor(TaskKind task) => Primary ?? MetricNames.PrimaryOf(task);

    /// <inheritdoc/>
    public void Check(DeclaredNode.Map at, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(at);
        ArgumentNullException.ThrowIfNull(problems);
        if (Bootstrap is > 0 and < FewestResamples)
            problems.Add(EvaluationMessages.Problem("too-few-resamples", Place(at, "bootstrap"), Bootstrap, FewestResamples));
        var known = Enum.GetValues<TaskKind>().SelectMany(MetricNames.Of).Distinct().ToArray();
        if (Primary is not null && !known.Contains(Primary, StringComparer.Ordinal))
            problems.Add(EvaluationMessages.Problem("unknown-metric", Place(at, "primary"), Primary, string.Join(", ", known), Spelling.Nearest(Primary, known) ?? known[0]));
    }

    /// <summary>Adds a problem when the metric that decides does not exist for the contract's task.</summary>
    /// <param name="task">What the contract's label asks for.</param>
    /// <param name="at">The section's node.</param>
    /// <param name="problems">Receives the problem.</param>
    public void CheckTask(TaskKind task, DeclaredNode.Map at, ProblemList problems)
    {
        ArgumentNullException.ThrowIfNull(at);
        ArgumentNullException.ThrowIfNull(problems);
        var names = MetricNames.Of(task);
        if (Primary is not null && !names.Contains(Primary, StringComparer.Ordinal))
            problems.Add(EvaluationMessages.Problem("metric-of-another-task", Place(at, "primary"), Primary, string.Join(", ", names), MetricNames.PrimaryOf(task)));
    }

    private static Place Place(DeclaredNode.Map at, string key) => at[key]?.Place ?? at.Place;
}
