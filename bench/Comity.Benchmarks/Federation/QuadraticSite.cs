using Comity.Federation.Sites;
using Comity.Tensors.Parameters;

namespace Comity.Benchmarks.Federation;

/// <summary>A site whose loss is ½‖w − t‖² with a target t of its own: next to no work, so that what is measured is the federation.</summary>
internal sealed class QuadraticSite(string site, int index, int rows) : ISiteWork
{
    public string Site => site;

    public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) =>
        new(new Statistics([new StatisticPart("rows", MergeRule.Sum, [rows], [])]));

    public ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        var trained = task.Destination.IsEmpty ? new float[task.Parameters.Length] : task.Destination;
        task.Parameters.CopyTo(trained);
        var w = trained.Span;
        var loss = 0.0;
        for (var i = 0; i < w.Length; i++)
        {
            var error = w[i] - Target(i);
            loss += error * error;
            w[i] -= 0.1f * error;
        }
        return new(new TrainingResult { Parameters = trained, Rows = rows, Steps = 1, LearningRateSum = 0.1, NormalizedSteps = 1, LossByEpoch = [loss / 2 / w.Length] });
    }

    public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken)
    {
        var loss = 0.0;
        var w = task.Parameters.Span;
        for (var i = 0; i < w.Length; i++) loss += (w[i] - Target(i)) * (w[i] - Target(i));
        return new(new EvaluationResult { Rows = rows / 3, Metrics = new Dictionary<string, Estimate> { ["mse"] = new(loss / w.Length, double.NaN, double.NaN) } });
    }

    public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken) => new(new ComparisonResult(rows / 3, []));

    private float Target(int i) => ((uint)((i * 2654435761u) + ((uint)index * 40503u)) >> 8) * (1f / (1 << 24));
}

/// <summary>A vector of zeros to start from.</summary>
internal sealed class ZeroModel(int parameters) : IModelSource
{
    public IReadOnlyList<string> StatisticsSteps => ["rows"];

    public ValueTask<ModelStart> StartAsync(int repeat, Statistics agreed, CancellationToken cancellationToken) =>
        new(new ModelStart(new ParameterLayout([new("w", [parameters], 0)]), new float[parameters], "regression", []));
}
