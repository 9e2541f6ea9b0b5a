using Comity.Federation.Policies;
using Comity.Federation.Privacy;
using Comity.Federation.Sites;

namespace Comity.Cli.Sites;

/// <summary>A site that works within the hours of its policy; outside of them it waits, and counts as absent where the study does not.</summary>
internal sealed class WithinHours(ISiteWork work, WorkingHours hours, TimeProvider time) : ISiteWork
{
    public string Site => work.Site;

    public async ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken)
    {
        await OpenAsync(cancellationToken);
        return await work.CollectAsync(task, cancellationToken);
    }

    public ValueTask<TrainingScale> ScaleAsync(int repeat, string? trainingOverrides, CancellationToken cancellationToken) => work.ScaleAsync(repeat, trainingOverrides, cancellationToken);

    public async ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        await OpenAsync(cancellationToken);
        return await work.TrainAsync(task, cancellationToken);
    }

    public async ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken)
    {
        await OpenAsync(cancellationToken);
        return await work.EvaluateAsync(task, cancellationToken);
    }

    public async ValueTask<Statistics> CountAsync(CountTask task, CancellationToken cancellationToken)
    {
        await OpenAsync(cancellationToken);
        return await work.CountAsync(task, cancellationToken);
    }

    public async ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken)
    {
        await OpenAsync(cancellationToken);
        return await work.CompareAsync(task, cancellationToken);
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        while (hours.Until(time.GetUtcNow()) is { Ticks: > 0 } wait) await Task.Delay(wait, time, cancellationToken);
    }
}
