using System.Runtime.CompilerServices;
using Comity.Cli.Composition;
using Comity.Federation.Runs;
using Comity.Insight.Predictions;
using Comity.Insight.Report;
using Comity.Insight.Results;
using Comity.Learning;
using Comity.Learning.Tagging;

namespace Comity.Cli.Runs;

/// <summary>Writes what a run leaves behind. Each file appears whole; results.json comes last, so that its presence says that all is there.</summary>
internal static class RunOutput
{
    public static async Task WriteAsync(
        Session session, CheckedStudy study, Simulation simulation, StudyOutcome outcome, RunFolder folder, CancellationToken cancellationToken)
    {
        var results = outcome.Results;
        // The run's last step may have called this from the bottom of its own stack, whose frames still hold the model that was judged.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        simulation.EndWork();
        GiveBackMemory();
        await Task.WhenAll(Task.Run(Models, cancellationToken), Task.Run(Records, cancellationToken));
        GiveBackMemory();
        var logs = RunLogs.Read(folder.Root, RunLogs.MostAtTheEnd, cancellationToken);
        AtomicFile.Write(folder.Report, await ReportPage.RenderAsync(results, session.Language, logs));
        GiveBackMemory();
        ResultsFile.Write(folder.Results, results);

        async Task Models()
        {
            if (study.Study.Task == TaskKind.Tagging) await PredictionsFile.WriteSumsAsync(folder.Predictions, TaggingOutputs.Names, Rows(outcome, cancellationToken), cancellationToken);
            else await PredictionsFile.WriteAsync(folder.Predictions, results.Classes, Rows(outcome, cancellationToken), cancellationToken);
            foreach (var model in results.Models.Where(m => m.Repeat == 0))
            {
                cancellationToken.ThrowIfCancellationRequested();
                ModelFolder.Write(Path.Combine(folder.Models, model.Id), study, simulation, outcome, model, session.Language);
            }
        }

        void Records()
        {
            AtomicFile.Write(folder.Statistics, TrainingStatistics.Of(study, simulation).ToJson());
            if (study.Study.Study.Policy is { } policy) AtomicFile.Write(Path.Combine(folder.Root, Releases.DeclaredPolicy.FileName), Releases.DeclaredPolicy.Write(policy));
            simulation.CloseAudit();
        }
    }

    // Young garbage may grow to the size of the processor's cache before the collector looks at it. Between steps that each
    // need much for a moment that is a needless peak, and a collection costs milliseconds.
    private static void GiveBackMemory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers(); // what only a finaliser holds goes with the next collection
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private static async IAsyncEnumerable<PredictionRow> Rows(StudyOutcome outcome, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var site in outcome.Predictions())
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var row in site.Rows) yield return new PredictionRow(site.Model, site.Repeat, site.Site, row);
        }
        await Task.CompletedTask; // the writer takes an asynchronous stream; ours comes from the local store
    }
}
