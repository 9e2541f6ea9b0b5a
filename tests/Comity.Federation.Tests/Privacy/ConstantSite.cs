using Comity.Federation.Sites;
using Comity.Tensors.Parameters;

namespace Comity.Federation.Tests.Privacy;

/// <summary>A site whose training moves every parameter by the same amount, so that what noise and clip did can be read off the model.</summary>
internal sealed class ConstantSite(string site, double norm) : ISiteWork
{
    public const int Length = 1000;

    public static ParameterLayout Layout { get; } = new([new("weight", [Length], 0)]);

    public string Site => site;

    public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) => throw new NotSupportedException("A study that hides sites asks for no statistics.");

    public ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        var moved = task.Parameters.ToArray();
        for (var i = 0; i < moved.Length; i++) moved[i] += (float)(norm / Math.Sqrt(Length));
        return new(new TrainingResult { Parameters = moved, Rows = 40, Steps = 1, LearningRateSum = 1, NormalizedSteps = 1, LossByEpoch = [0.5] });
    }

    public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken) =>
        new(new EvaluationResult { Rows = 40, Metrics = new Dictionary<string, Estimate> { ["mse"] = new(1, 1, 1) } });

    public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken) => new(new ComparisonResult(40, []));
}

/// <summary>Starts at zero and asks for no statistics.</summary>
internal sealed class ZeroModel : IModelSource
{
    public IReadOnlyList<string> StatisticsSteps => [];

    public ValueTask<ModelStart> StartAsync(int repeat, Statistics agreed, CancellationToken cancellationToken) =>
        new(new ModelStart(ConstantSite.Layout, new float[ConstantSite.Length], "regression", []));
}
