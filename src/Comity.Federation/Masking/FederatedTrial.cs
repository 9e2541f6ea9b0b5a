using Comity.Declarations;
using Comity.Federation.Aggregation;
using Comity.Federation.Masking;
using Comity.Federation.Privacy;
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
        var file = new MaskedRoundFile(run.Store.RoundPath(model, start.Repeat, round, "masked"), run.Store);
        var hidden = SiteLevel(plan);
        NoiseShare? share = null;
        MaskedEncoding encoding;
        if (hidden is null) encoding = new MaskedEncoding(masking.Section, section.Weights, plan.Cohort.Count, Parameters, _strategy.Parts);
        else
        {
            (var ring, share) = hidden.Masked(round);
            encoding = new MaskedEncoding(ring, plan.Cohort.Count, Parameters);
        }
        Directory.CreateDirectory(Path.GetDirectoryName(spoolPath)!);
        var silence = run.Input.Patience ?? (_study.PatienceSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
        var masked = new MaskedRound(masking.Run, _channels, run.Input.Time, file, run.Store.BeforeWrite)
        {
            Vault = run.Store.Vault, Share = share, Revealing = hidden is { IsDistributed: true } ? (survivors, digest) => hidden.ChargeSurvivors(round, survivors, digest) : null,
        };
        CoordinatorState ended;
        MaskedSum? sum = null;
        try
        {
            ended = await masked.RunAsync(plan, attempt => masking.Plan(model, start.Repeat, attempt, round, plan.Cohort, encoding), encoding, n => (sum = encoding.Open(n)).Take, masking.Directory,
                (site, offer) => Offer(site, round, parameters, states) with { Masked = offer }, anew => MaskedSpool(spoolPath, anew), silence, cancellationToken).ConfigureAwait(false);
        }
        catch (MaskedSumException wrong)
        {
            throw new StudyStoppedException(Messages.Problem("masks-sum-wrong", Place.InFile(run.Input.RunFolder), model, round, wrong.Why));
        }
        if (sum is null) throw Stopped(round, ended);
        var update = sum.Update;
        if (hidden is not null)
        {
            var contributors = ((RoundOutcome.Aggregated)ended.Outcome!).Sites;
            // Rounding to the ring lengthens an update by half a step a coordinate at most; a share of noise is calibrated for that itself.
            update = hidden.Mean(round, contributors, () => (Scaled(sum.Update, contributors.Count), encoding.Unclipped), encoding.FixedPoint.Step / 2 * Math.Sqrt(Parameters));
        }
        using (var mean = new VectorFileSet())
        {
            mean.Add("*", 1, update);
            _strategy.Apply(new RoundUpdates(mean, [1], Parameters), start.Segments, parameters, states, _order.Count);
        }
        if (!RunContext.IsFinite(parameters)) throw run.Diverged(model, "*", round);
        var loss = run.Privacy is null ? sum.Means.Loss : double.NaN;
        Commit(round, plan, ended, (loss, sum.Means.ValidationLoss), masked.Floats, parameters, states, run.SecondsSince(began));
        run.Slots.Discarded(1, sum.Update.Length);
        run.Store.DeleteSpool(spoolPath);
        file.Delete();
        hidden?.Delete(round);
        if (round > 1) run.Store.Delete(run.Store.RoundPath(model, start.Repeat, round - 1, "checkpoint"));
    }

    /// <summary>Site-level privacy of the rounds; null: none, or of records.</summary>
    private SiteLevelRounds? SiteLevel(RoundPlan plan) => run.Privacy is { HidesSites: true } privacy
        ? new SiteLevelRounds(run, privacy.Plan.Section, model, start.Repeat, plan.Cohort.Count, plan.Quorum, Parameters)
        : null;

    /// <summary>The mean of a round in the clear whose sites are to be hidden: sums clipped updates slice by slice, and noises the sum.</summary>
    private float[] HiddenMean(SiteLevelRounds hidden, int round, IReadOnlyList<string> contributors, IUpdateSet updates) => hidden.Mean(round, contributors, () =>
    {
        var (sum, slice) = (new float[Parameters], new float[Math.Min(Parameters, RoundUpdates.LongestSlice)]);
        var wide = new double[slice.Length];
        for (var at = 0; at < Parameters; at += slice.Length)
        {
            var part = slice.AsSpan(0, Math.Min(slice.Length, Parameters - at));
            wide.AsSpan().Clear();
            for (var i = 0; i < updates.Count; i++)
            {
                updates.Read(i, at, part);
                Widened.MultiplyAdd(part, 1, wide.AsSpan(0, part.Length));
            }
            for (var i = 0; i < part.Length; i++) sum[at + i] = (float)wide[i];
        }
        return (sum, Enumerable.Range(0, updates.Count).Count(i => updates.Header(i).Unclipped == true));
    });

    private static float[] Scaled(float[] mean, int contributors)
    {
        for (var i = 0; i < mean.Length; i++) mean[i] *= contributors;
        return mean;
    }

    // Vectors of an attempt that was given up are of no use: their masks will never come off.
    private UpdateSpool MaskedSpool(string path, bool anew)
    {
        if (anew) run.Store.DeleteSpool(path);
        return run.Store.OpenSpool(path);
    }
}
