using System.Collections.Concurrent;
using Comity.Federation.Runs;

namespace Comity.Cli.Progress;

/// <summary>Turns what a run tells into what a person sees.</summary>
internal sealed class StudyProgress(Session session, RunClock clock, IProgressView view) : IProgress<StudyEvent>
{
    private readonly ConcurrentDictionary<(string, int), double> _losses = new();

    public void Report(StudyEvent value)
    {
        switch (value)
        {
            case StudyEvent.Planned planned:
                clock.Plan(planned.Trials.Count);
                view.Phase(session.Text("progress.planned", planned.Trials.Count));
                break;
            case StudyEvent.StatisticsAgreed agreed:
                view.Phase(session.Text("progress.statistics", agreed.Repeat + 1, agreed.Step));
                break;
            case StudyEvent.RoundsDivided divided:
                view.Phase(session.Text(divided.WholeBecause is { } reason ? $"progress.whole-{reason}" : "progress.divided", divided.Model));
                break;
            case StudyEvent.TrialStarted started:
                var (done, all) = started.Rounds > 0 ? (started.RoundsDone, started.Rounds) : (0, 1);
                view.Report(new TrainingStep(started.Model, started.Repeat, done, all, double.NaN, started.Rounds > 0));
                break;
            case StudyEvent.EpochDone epoch:
                _losses[(epoch.Model, epoch.Repeat)] = epoch.Loss;
                view.Report(new TrainingStep(epoch.Model, epoch.Repeat, epoch.Epoch, epoch.Epochs, epoch.Loss, InRounds: false));
                break;
            case StudyEvent.RoundDone round:
                _losses[(round.Model, round.Repeat)] = round.Loss;
                view.Report(new TrainingStep(round.Model, round.Repeat, round.Round, round.Rounds, round.Loss, InRounds: true));
                break;
            case StudyEvent.TrialFinished finished:
                view.Finished(finished.Model, finished.Repeat, _losses.TryRemove((finished.Model, finished.Repeat), out var loss) ? loss : double.NaN);
                break;
            case StudyEvent.Evaluated judged:
                clock.Judged((double)judged.Done / Math.Max(1, judged.Total));
                view.Judged(judged.Done, judged.Total);
                break;
            case StudyEvent.Compared compared:
                view.Compared(compared.Done, compared.Total);
                break;
        }
    }
}
