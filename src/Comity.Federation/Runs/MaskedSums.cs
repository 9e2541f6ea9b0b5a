using System.Text.Json;
using Comity.Declarations;
using Comity.Federation.Masking;
using Comity.Federation.Rounds;
using Comity.Federation.Sites;
using Comity.Federation.Stores;
using WordSink = Comity.SecureAggregation.Protocol.WordSink;

namespace Comity.Federation.Runs;

/// <summary>Sums of the sites' numbers of which the coordinator sees nothing but the sum.</summary>
/// <remarks>
/// <code>
/// form (names and lengths) ─► masked round over all sites ─► sum kept ─► used          resumed: the sum that was kept
/// </code>
/// All sites must stay: a statistic of fewer would be another one, and a second sum of the same numbers would tell their difference.
/// </remarks>
internal static class MaskedSums
{
    /// <summary>The round of a sum, which belongs to no model's rounds.</summary>
    public const int Round = 0;

    /// <summary>Takes a sum, or finds the one that was taken.</summary>
    /// <param name="run">The run.</param>
    /// <param name="task">What is summed.</param>
    /// <param name="agreed">What was agreed before.</param>
    /// <param name="form">The form that every site told.</param>
    /// <param name="sites">All of whom the sum must hold.</param>
    /// <param name="numbersOf">In one process: a site's numbers, as its gate lets them out.</param>
    /// <param name="parameters">A model that the numbers are about, shape [P]; empty: none.</param>
    /// <param name="cancellationToken">Stops it; what is kept stays.</param>
    /// <exception cref="StudyStoppedException">A site fell silent or refused, or the masks did not come off.</exception>
    public static async Task<Statistics> TakeAsync(
        RunContext run, SumTask task, Statistics agreed, Statistics form, IReadOnlyList<ISiteWork> sites, Func<ISiteWork, CancellationToken, ValueTask<Statistics>> numbersOf,
        ReadOnlyMemory<float> parameters, CancellationToken cancellationToken)
    {
        var key = FormattableString.Invariant($"sum/{task.Id}/{task.Repeat}");
        if (run.Store.Value(key) is { } kept) return JsonSerializer.Deserialize<Statistics>(kept, RunStore.Json)!;
        var names = sites.Select(s => s.Site).ToList();
        var numbers = new MaskedNumbers(form, names.Count);
        if (numbers.Length == 0) return form;
        var masking = run.Masking!;
        var plan = new RoundPlan(Round, names, names.Count, []);
        var spool = run.Store.RoundPath(task.Id, task.Repeat, Round, "spool");
        var file = new MaskedRoundFile(run.Store.RoundPath(task.Id, task.Repeat, Round, "masked"), run.Store);
        Directory.CreateDirectory(Path.GetDirectoryName(spool)!);
        var channels = sites.ToDictionary(s => s.Site, s => Channel(run, s, task, numbers, numbersOf), StringComparer.Ordinal);
        var silence = run.Input.Patience ?? (run.Input.Study.PatienceSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
        var (sum, contributors) = (Array.Empty<uint>(), 0);
        WordSink Open(int count)
        {
            (sum, contributors) = (new uint[numbers.Length], count);
            return (at, words) => words.CopyTo(sum.AsSpan(at));
        }
        var offer = new RoundOffer { Model = task.Id, Repeat = task.Repeat, Round = Round, LayoutDigest = "", Parameters = parameters, Agreed = agreed, Epochs = 0, Sum = task };
        CoordinatorState ended;
        try
        {
            ended = await new MaskedRound(masking.Run, channels, run.Input.Time, file, run.Store.BeforeWrite) { Vault = run.Store.Vault }.RunAsync(
                plan, attempt => masking.Plan(task, attempt, names, numbers), null, Open, masking.Directory, (_, masked) => offer with { Masked = masked },
                anew =>
                {
                    if (anew) run.Store.DeleteSpool(spool);
                    return run.Store.OpenSpool(spool);
                }, silence, cancellationToken).ConfigureAwait(false);
        }
        catch (MaskedSumException wrong)
        {
            throw new StudyStoppedException(Messages.Problem("masks-sum-wrong", Place.InFile(run.Input.RunFolder), task.Id, Round, wrong.Why));
        }
        if (ended.Outcome is not RoundOutcome.Aggregated) throw Missing(run, task, ended);
        var result = numbers.Decode(sum, contributors);
        run.Store.KeepValue(key, JsonSerializer.Serialize(result, RunStore.Json));
        run.Store.DeleteSpool(spool);
        file.Delete();
        return result;
    }

    /// <summary>The one form of what all sites will send; they must not differ in it.</summary>
    /// <exception cref="InvalidDeclarationException">They differ, or a part is no sum.</exception>
    public static Statistics FormOf(RunContext run, IReadOnlyList<Statistics> forms)
    {
        var form = MaskedNumbers.FormOf(StatisticsAgreement.Merge(forms));
        if (MaskedNumbers.NotASum(form) is { } other) throw new InvalidDeclarationException([Messages.Problem("masks-statistic", Place.InFile(run.Input.RunFolder), other)]);
        return form;
    }

    private static ISiteChannel Channel(RunContext run, ISiteWork work, SumTask task, MaskedNumbers numbers, Func<ISiteWork, CancellationToken, ValueTask<Statistics>> numbersOf)
    {
        if (run.Input.Channels is { } elsewhere) return elsewhere(work, null);
        var line = new NumbersLine(work.Site, run.Masking!.SiteOf(work.Site, task.Id, task.Repeat), token => numbersOf(work, token), numbers,
            header => run.Input.Leaving?.Invoke(new Leaving.OfNumbers(work.Site, task, header) { Charge = task is SumTask.OfStatistics ? run.Privacy?.StatisticsCharge : null }));
        return run.Input.Line?.Invoke(line) ?? line;
    }

    private static StudyStoppedException Missing(RunContext run, SumTask task, CoordinatorState ended)
    {
        var refused = ended.Rejected.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => $"{r.Key} ({r.Value})").Concat(ended.Silent.Order(StringComparer.Ordinal)).ToList();
        return new(Messages.Problem("masks-sum-incomplete", Place.InFile(run.Input.RunFolder), task.Id, refused.Count > 0 ? string.Join(", ", refused) : "-",
            ended.Outcome is RoundOutcome.QuorumMissed q ? q.Replied : 0, ended.Plan.Cohort.Count));
    }
}
