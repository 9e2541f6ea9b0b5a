using Comity.Declarations;
using Comity.Federation.Aggregation;
using Comity.Federation.Masking;
using Comity.Federation.Rounds;
using Comity.Federation.Spool;

namespace Comity.Federation.Runs;

/// <content>The same rounds under masks: the strategy sees one update, the mean of all.</content>
internal sealed partial class FederatedTrial
{
    private async Task MaskedRoundAsync(int round, float[] parameters, float[][] states, CancellationToken cancellationToken)
    {
        var began = run.Input.Time.GetTimestamp();
        var (plan, masking) = (Plan(round), run.Masking!);
        var spoolPath = run.Store.RoundPath(model, start.Repeat, round, "spool");
        var file = new MaskedRoundFile(run.Store.RoundPath(model, start.Repeat, round, "masked"));
        var encoding = new MaskedEncoding(masking.Section, section.Weights, plan.Cohort.Count, Parameters, _strategy.Parts);
        Directory.CreateDirectory(Path.GetDirectoryName(spoolPath)!);
        var silence = run.Input.Patience ?? (_study.PatienceSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
        var masked = new MaskedRound(_channels, run.Input.Time, file, run.Store.BeforeWrite);
        CoordinatorState ended;
        MaskedSum? sum;
        try
        {
            (ended, sum) = await masked.RunAsync(plan, attempt => masking.Plan(model, start.Repeat, attempt, round, plan.Cohort, encoding), encoding, masking.Directory,
                (site, offer) => Offer(site, round, parameters, states) with { Masked = offer }, anew => MaskedSpool(spoolPath, anew), silence, cancellationToken).ConfigureAwait(false);
        }
        catch (MaskedSumException wrong)
        {
            throw new StudyStoppedException(Messages.Problem("masks-sum-wrong", Place.InFile(run.Input.RunFolder), model, round, wrong.Why));
        }
        if (sum is null) throw Stopped(round, ended);
        using (var mean = new VectorFileSet())
        {
            mean.Add("*", 1, sum.Update);
            _strategy.Apply(new RoundUpdates(mean, [1], Parameters), start.Segments, parameters, states, _order.Count);
        }
        if (!RunContext.IsFinite(parameters)) throw run.Diverged(model, "*", round);
        var loss = run.Privacy is null ? sum.Means.Loss : double.NaN;
        Commit(round, plan, ended, (loss, sum.Means.ValidationLoss), masked.Floats, parameters, states, run.SecondsSince(began));
        run.Slots.Discarded(1, sum.Update.Length);
        UpdateSpool.Delete(spoolPath);
        file.Delete();
        if (round > 1) File.Delete(run.Store.RoundPath(model, start.Repeat, round - 1, "checkpoint"));
    }

    // Vectors of an attempt that was given up are of no use: their masks will never come off.
    private static UpdateSpool MaskedSpool(string path, bool anew)
    {
        if (anew && File.Exists(path)) UpdateSpool.Delete(path);
        return UpdateSpool.Open(path);
    }
}
