using System.Collections.Concurrent;
using Comity.Declarations;
using Comity.Federation.Aggregation;
using Comity.Federation.Privacy;
using Comity.Federation.Rounds;
using Comity.Federation.Sites;
using Comity.Federation.Stores;

namespace Comity.Federation.Runs;

/// <summary>What the trials of one run share.</summary>
/// <param name="Input">What was asked for.</param>
/// <param name="Store">What has been done.</param>
/// <param name="Slots">Site calls that may run at the same time.</param>
internal sealed record RunContext(StudyRunInput Input, RunStore Store, WorkSlots Slots)
{
    public IReadOnlyList<ISiteWork> Sites => Input.Sites;

    /// <summary>Sites that models learn from; the others are judged only.</summary>
    public IReadOnlyList<ISiteWork> TrainingSites { get; } = [.. Input.Sites.Where(w => Input.Study.Sites.All(s => s.Id != w.Site || s.Trains))];

    /// <summary>Null: the study promises none.</summary>
    public RunPrivacy? Privacy { get; init; }

    /// <summary>Federations whose rounds are divided among workers: seconds that one slot needs for a cost of 1, by federation. NaN: not measured.</summary>
    public ConcurrentDictionary<string, double> Divided { get; } = new(StringComparer.Ordinal);

    /// <summary>Null: updates are sent in the clear.</summary>
    public Masking.RunMasking? Masking { get; init; }

    public void Tell(StudyEvent happened) => Input.Progress?.Report(happened);

    public double SecondsSince(long start) => Input.Time.GetElapsedTime(start).TotalSeconds;

    /// <summary>Runs site work while a slot is held; <paramref name="vectors"/> of the given length are left behind.</summary>
    public Task<T> InSlotAsync<T>(Func<ValueTask<T>> work, int vectors, int parameters, CancellationToken cancellationToken) =>
        Slots.RunAsync(async () => await work().ConfigureAwait(false), vectors, parameters, cancellationToken);

    /// <summary>Runs all, as many at a time as there are slots, and returns the results in order. The first failure stops the rest.</summary>
    public async Task<T[]> AllAsync<TItem, T>(IReadOnlyList<TItem> items, Func<TItem, CancellationToken, ValueTask<T>> work, CancellationToken cancellationToken, int? atOnce = null)
    {
        var results = new T[items.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, atOnce ?? Input.Jobs), CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, items.Count, options, async (i, token) => results[i] = await work(items[i], token).ConfigureAwait(false)).ConfigureAwait(false);
        return results;
    }

    /// <summary>The error of a training that produced no usable numbers.</summary>
    public StudyStoppedException Diverged(string model, string site, int round) =>
        new(Messages.Problem("diverged", Place.InFile(Input.RunFolder), model, site, round));

    public static bool IsFinite(ReadOnlySpan<float> parameters) => UpdateGate.Judge(parameters, parameters.Length, 1, null).Passed;
}

/// <summary>One repeat: what was agreed and where all arms start.</summary>
internal sealed record RepeatStart(int Repeat, Statistics Agreed, ModelStart Model)
{
    public IReadOnlyList<ParameterSegment> Segments { get; } = ParameterSegment.Of(Model.Layout);

    /// <summary>The same without the first weights, once nothing starts from them any more.</summary>
    public RepeatStart Trained() => this with { Model = Model with { Parameters = default } };
}
