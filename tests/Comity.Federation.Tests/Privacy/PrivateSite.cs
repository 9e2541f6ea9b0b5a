using System.Globalization;
using Comity.Federation.Privacy;
using Comity.Federation.Sites;
using Comity.Privacy.Mechanisms;
using Comity.Privacy.Noise;

namespace Comity.Federation.Tests.Privacy;

/// <summary>The small linear site with differential privacy: every record in every step, each gradient clipped, noise that nobody can draw twice.</summary>
internal sealed class PrivateSite(LeastSquaresSite site, int rows) : ISiteWork
{
    public string Site => site.Site;

    /// <summary>What it says of its training; the default is the truth.</summary>
    public Func<PrivateGradientDescent, PrivateGradientDescent?> Says { get; init; } = released => released;

    /// <summary>Whether the bound of its statistic is known.</summary>
    public bool IsBounded { get; init; } = true;

    /// <summary>Times that it drew noise for an update.</summary>
    public int Draws { get; private set; }

    public ValueTask<TrainingScale> ScaleAsync(int repeat, string? trainingOverrides, CancellationToken cancellationToken) => new(new TrainingScale(rows, rows));

    public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) =>
        new(new Statistics([new StatisticPart("y/counts", MergeRule.Sum, [rows, 0], []) { Bound = IsBounded ? new RecordBound([1, 1], 1) : null }]));

    public async ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        var plain = await site.TrainAsync(task with { Destination = default }, cancellationToken);
        if (task.Private is not { } asked) return plain;
        Draws++;
        var moved = plain.Parameters.ToArray();
        // Noise of the last step stands for that of all: what matters here is that no two draws are alike.
        using (var stream = NoiseStream.Secure()) new GridGaussian(asked.NoiseMultiplier, asked.ClipNorm / rows, moved.Length).AddInPlace(moved, stream);
        return plain with { Parameters = moved, Released = Says(new PrivateGradientDescent(1, asked.ClipNorm, asked.NoiseMultiplier, plain.Steps)) };
    }

    public ValueTask<Statistics> CountAsync(CountTask task, CancellationToken cancellationToken) => site.CountAsync(task, cancellationToken);

    public ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken) => site.EvaluateAsync(task, cancellationToken);

    public ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken) => site.CompareAsync(task, cancellationToken);
}
