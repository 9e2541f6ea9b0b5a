namespace Comity.Learning.Evaluation;

/// <summary>Metrics of predicted numbers: mean squared error, its root, mean absolute error and R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)².</summary>
/// <remarks>R² takes ȳ from the rows judged and is NaN where all labels are equal.</remarks>
internal sealed class RegressionMetrics : WeightedMetrics
{
    private readonly double[] _centred, _error;

    public RegressionMetrics(ReadOnlySpan<float> labels, ReadOnlySpan<float> outputs)
        : base(labels.Length, MetricNames.Of(TaskKind.Regression))
    {
        (_centred, _error) = (new double[labels.Length], new double[labels.Length]);
        var mean = 0.0;
        foreach (var y in labels) mean += y / (double)labels.Length;
        for (var i = 0; i < labels.Length; i++)
        {
            _centred[i] = labels[i] - mean; // or the sum of squares would cancel away when the mean is large
            _error[i] = (double)outputs[i] - labels[i];
        }
    }

    public override void Measure(ReadOnlySpan<int> weights, Span<double> metrics)
    {
        double n = 0, squared = 0, absolute = 0, sum = 0, squares = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            double weight = weights[i];
            n += weight;
            squared += weight * _error[i] * _error[i];
            absolute += weight * Math.Abs(_error[i]);
            sum += weight * _centred[i];
            squares += weight * _centred[i] * _centred[i];
        }
        var spread = squares - sum * sum / n;
        metrics[0] = squared / n;
        metrics[1] = Math.Sqrt(squared / n);
        metrics[2] = absolute / n;
        metrics[3] = spread > 1e-12 * squares ? 1 - squared / spread : double.NaN;
    }
}
