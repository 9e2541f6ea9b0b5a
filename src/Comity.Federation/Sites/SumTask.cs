namespace Comity.Federation.Sites;

/// <summary>Numbers of all sites of which the study lets only the sum be known: each site's leave under masks.</summary>
/// <param name="Repeat">Repeat of the study, from 0.</param>
/// <param name="Id">What is summed, such as <c>statistics/moments</c>: there is one sum of it in a repeat, and never a second.</param>
public abstract record SumTask(int Repeat, string Id)
{
    /// <summary>One step of the shared statistics, over the sites that train.</summary>
    /// <param name="Task">The step.</param>
    public sealed record OfStatistics(StatisticsTask Task) : SumTask((Task ?? throw new ArgumentNullException(nameof(Task))).Repeat, "statistics/" + Task.Step);

    /// <summary>What judging a model counted, over all sites.</summary>
    /// <param name="Task">The model and the rows.</param>
    public sealed record OfJudging(CountTask Task) : SumTask((Task ?? throw new ArgumentNullException(nameof(Task))).Judged.Repeat, Task.Id);
}
