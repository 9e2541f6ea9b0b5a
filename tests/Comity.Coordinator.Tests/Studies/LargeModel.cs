using Comity.Federation.Sites;
using Comity.Federation.Studies;
using Comity.Tensors.Parameters;

namespace Comity.Coordinator.Tests.Studies;

/// <summary>A model of more bytes than travel inside a message, and than a file has that is deleted at once.</summary>
internal sealed class LargeModel(int parameters = 400_000) : IModelSource
{
    private readonly ParameterLayout _layout = new([new("w", [parameters], 0)]);

    public IReadOnlyList<string> StatisticsSteps => ["moments"];

    public ValueTask<ModelStart> StartAsync(int repeat, Statistics agreed, CancellationToken cancellationToken) => new(new ModelStart(_layout, new float[parameters], "regression", []));
}

/// <summary>Moves every parameter by what only this site knows.</summary>
internal sealed class LargeSite(string site) : ISiteWork
{
    public string Site => site;

    public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) => new(Statistics.None);

    public ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        var own = 1 + (site[1] - '0');
        var moved = task.Parameters.ToArray();
        for (var i = 0; i < moved.Length; i++) moved[i] += 0.001f * own * (i % 97);
        return new(new TrainingResult { Parameters = moved, Rows = 60 * own, Steps = 1, LearningRateSum = 0.1, NormalizedSteps = 1, LossByEpoch = [1] });
    }

    public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken) =>
        new(new EvaluationResult { Rows = 20, Metrics = new Dictionary<string, Estimate> { ["mse"] = new(1, double.NaN, double.NaN) } });

    public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken) => new(new ComparisonResult(20, []));
}
