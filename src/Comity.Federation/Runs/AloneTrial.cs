using Comity.Declarations;
using Comity.Federation.Results;
using Comity.Federation.Sites;
using Comity.Federation.Spool;
using Comity.Federation.Stores;

namespace Comity.Federation.Runs;

/// <summary>A model trained at one place: a site alone, or all rows together.</summary>
internal static class AloneTrial
{
    /// <summary>Runs the trial, unless an earlier process finished it.</summary>
    public static async Task RunAsync(
        RunContext run, RepeatStart start, ISiteWork work, string model, string arm, string? owner, IReadOnlyList<string> trainedOn, (string? Overrides, int? Index) setting, CancellationToken cancellationToken)
    {
        if (run.Store.Model(model, start.Repeat) is { } done)
        {
            run.Tell(new StudyEvent.TrialFinished(model, start.Repeat, arm, done.Info.Seconds, Resumed: true));
            return;
        }
        run.Tell(new StudyEvent.TrialStarted(model, start.Repeat, arm, 0, 0));
        var task = new TrainingTask
        {
            Repeat = start.Repeat, Model = model, Round = 0, Agreed = start.Agreed, Parameters = start.Model.Parameters, TrainingOverrides = setting.Overrides, Setting = setting.Index,
            Progress = p => run.Tell(new StudyEvent.EpochDone(model, start.Repeat, p.Epoch, p.Epochs, p.Loss)),
        };
        long began = 0;
        var result = await run.InSlotAsync(() =>
        {
            began = run.Input.Time.GetTimestamp(); // waiting for a slot is not training
            return work.TrainAsync(task, cancellationToken);
        }, vectors: 1, start.Model.Layout.Length, cancellationToken).ConfigureAwait(false);
        var seconds = run.SecondsSince(began);

        var expected = start.Model.Layout.Length;
        var kept = result.KeptSha256 is not null;
        if (!kept && result.Parameters.Length != expected)
            throw new StudyStoppedException(Messages.Problem("wrong-length", Place.InFile(run.Input.RunFolder), model, work.Site, result.Parameters.Length, expected));
        if (result.StoppedBy == "diverged" || !RunContext.IsFinite(result.Parameters.Span) || result.LossByEpoch.Any(l => !double.IsFinite(l)))
            throw run.Diverged(model, work.Site, Math.Max(1, Math.Max(result.LossByEpoch.Count, result.EpochsUntold)));

        var info = new ModelInfo(model, arm, trainedOn, expected, 0, 0, seconds, null, Energy.NotMeasured, result.KeptSha256 ?? FloatFile.Sha256(result.Parameters.Span), start.Repeat);
        run.Store.KeepModel(new ModelRecord(info, owner, owner is null ? model : $"{arm}/*", result.Rows, History(model, start.Repeat, result), kept), result.Parameters);
        run.Tell(new StudyEvent.TrialFinished(model, start.Repeat, arm, seconds, Resumed: false));
    }

    private static List<HistoryInfo> History(string model, int repeat, TrainingResult result) =>
        [.. result.LossByEpoch.Concat(Enumerable.Repeat(double.NaN, result.EpochsUntold)).Select((loss, epoch) => new HistoryInfo(model, repeat, epoch + 1, loss,
            epoch < result.ValidationLossByEpoch.Count ? new Dictionary<string, double> { ["validationLoss"] = result.ValidationLossByEpoch[epoch] } : new Dictionary<string, double>()))];
}

/// <summary>What is said of energy.</summary>
internal static class Energy
{
    /// <summary>Trials share the machine's cores, so a counter of the whole processor can't be divided among them.</summary>
    public const string NotMeasured = "shared-counter";
}
