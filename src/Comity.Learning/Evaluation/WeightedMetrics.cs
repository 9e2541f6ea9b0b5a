namespace Comity.Learning.Evaluation;

/// <summary>All metrics of one model on fixed rows, as a function of how often each row counts.</summary>
/// <remarks>
/// Ones give the estimates, multinomial counts a bootstrap resample, a zero the jackknife. Whatever does not depend on the
/// counts (sorting, logarithms, bins) is done once, so that a resample is one pass over the rows.
/// </remarks>
internal abstract class WeightedMetrics(int rows, IReadOnlyList<string> names)
{
    public int Rows { get; } = rows;

    public IReadOnlyList<string> Names { get; } = names;

    /// <summary>How often one measurement passes over the rows.</summary>
    public virtual int Passes => 1;

    /// <summary>Measures with the given multiplicities.</summary>
    /// <param name="weights">Multiplicity of each row, in the rows' own order, shape [n].</param>
    /// <param name="metrics">Receives the metrics in the order of <see cref="Names"/>; NaN where undefined.</param>
    public abstract void Measure(ReadOnlySpan<int> weights, Span<double> metrics);

    /// <summary>The metrics with every row counted once.</summary>
    public double[] Measure()
    {
        var ones = new int[Rows];
        Array.Fill(ones, 1);
        var metrics = new double[Names.Count];
        Measure(ones, metrics);
        return metrics;
    }

    /// <summary>The metrics of a task.</summary>
    public static WeightedMetrics Of(TaskKind task, int classes, ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs, EvaluationSection section) => task switch
    {
        TaskKind.Binary => new BinaryMetrics(labels, outputs, section),
        TaskKind.Multiclass => new MulticlassMetrics(classes, labels, outputs, section),
        TaskKind.NextToken or TaskKind.MaskedToken => new LanguageMetrics(labels, outputs),
        TaskKind.Tagging => new TaggingMetrics(labels, outputs),
        _ => new RegressionMetrics(labels, outputs),
    };
}
