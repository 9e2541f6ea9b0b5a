using Comity.Federation.Privacy;

namespace Comity.Federation.Sites;

/// <summary>
/// What a site does when it is asked: the one seam between the rounds and the records. The tool of the data's owner
/// fills it with Data and Learning, or with an external trainer; Federation never sees a record.
/// </summary>
/// <remarks>
/// Calls for one site never overlap, except that trials (arms, repeats) may run side by side, so an implementation keeps no
/// state that one call leaves for the next; what a site must remember travels in the task or lies in the site's folder.
/// </remarks>
public interface ISiteWork
{
    /// <summary>The site's id.</summary>
    string Site { get; }

    /// <summary>Whether the site takes part at the moment. One that has not come yet, or has left, is asked for nothing; it may come until the judging.</summary>
    bool TakesPart => true;

    /// <summary>Computes one step of the shared statistics over the site's training rows.</summary>
    ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken);

    /// <summary>How much the site trains on, which record-level privacy must know before anything is released.</summary>
    /// <param name="repeat">Repeat of the study, from 0.</param>
    /// <param name="trainingOverrides">Overrides of the study's training section as JSON text; null: none.</param>
    /// <param name="cancellationToken">The caller left.</param>
    /// <exception cref="NotSupportedException">The site does not say; it can't take part in such a study.</exception>
    ValueTask<TrainingScale> ScaleAsync(int repeat, string? trainingOverrides, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"Site '{Site}' does not say how much it trains on, which record-level privacy must know.");

    /// <summary>Trains the given model on the site's training rows.</summary>
    ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken);

    /// <summary>Judges the given model on one split of the site's rows.</summary>
    ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken);

    /// <summary>Judges the given model in numbers that add up over sites.</summary>
    /// <returns>Parts with their bounds; none: the site has no such numbers for the study's task.</returns>
    ValueTask<Statistics> CountAsync(CountTask task, CancellationToken cancellationToken) => new(Statistics.None);

    /// <summary>Compares two models on the same test rows.</summary>
    ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken);
}
