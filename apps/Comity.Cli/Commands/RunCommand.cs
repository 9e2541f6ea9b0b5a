using System.CommandLine;
using Comity.Cli.Composition;
using Comity.Cli.Progress;
using Comity.Cli.Runs;
using Comity.Cli.Spreading;
using Comity.Cli.Terminal;
using Comity.Declarations;
using Comity.Federation.Runs;
using Comity.Transport.Queues;
using Comity.Transport.Stores;

namespace Comity.Cli.Commands;

/// <summary><c>comity run STUDY</c>: from records to evidence.</summary>
internal static class RunCommand
{
    public static Command Create(Session session)
    {
        var options = new RunOptions(session);
        var command = new Command("run", session.Text("run.description"));
        options.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) => (int)await RunAsync(session, options, parsed, cancellationToken));
        return command;
    }

    private static async Task<ExitCode> RunAsync(Session session, RunOptions options, ParseResult parsed, CancellationToken cancellationToken)
    {
        (QueueAddress, StoreAddress)? at = options.Spread.IsAsked(parsed) ? options.Spread.Read(session, parsed) : null;
        if (parsed.GetValue(options.Width) is { } bits) VectorWidth.Force(bits, session.Environment);
        var path = parsed.GetRequiredValue(options.Study);
        session.Out.Line(session.Text("run.reading", path));
        var @checked = CheckedStudy.Read(session, path, cancellationToken).With(parsed.GetValue(options.Seed), parsed.GetValue(options.Arms));
        if (at is { } used) await SpreadRun.CheckAsync(used, cancellationToken);
        var resume = parsed.GetValue(options.Resume);
        var folder = RunFolder.Open(parsed.GetValue(options.Out), RunMarkers.Of(@checked), resume);
        if (folder.IsComplete)
        {
            session.Out.Line(session.Text("run.complete", folder.Root));
            return ExitCode.Done;
        }
        Trainers? trainers = null;
        session.Out.Line(session.Text("run.started", @checked.Study.Study.Study, @checked.Study.Study.Seed, folder.Root));
        try
        {
            var jobs = parsed.GetValue(options.Jobs);
            using var simulation = Simulation.Of(@checked, folder, parsed.GetValue(options.Threads) ?? Math.Max(1, Environment.ProcessorCount - jobs + 1), session.Time);
            trainers = simulation.Trainers;
            await using var spread = at is { } shared
                ? await SpreadRun.OpenAsync(session, @checked, simulation, folder, shared, options.SpreadSettings(parsed), cancellationToken) : null;
            var clock = new RunClock(session.Time);
            var repeats = @checked.Study.Study.Repeats;
            Task<StudyOutcome> Work(IProgressView view)
            {
                var input = simulation.Input(folder, resume, jobs, new StudyProgress(session, clock, view), session.Time) with { Ledger = parsed.GetValue(options.Ledger) };
                return StudyRun.RunAsync(spread?.Spread(input) ?? input, cancellationToken);
            }
            using (var outcome = session.Out.IsTerminal
                ? await LiveProgress.ShowAsync(session, clock, repeats, Work)
                : await Work(new LineProgress(session, clock, repeats)))
            {
                session.Out.Line(session.Text("run.writing"));
                await RunOutput.WriteAsync(session, @checked, simulation, outcome, folder, cancellationToken);
                RunSummary.Print(session, outcome.Results, folder);
            }
            if (spread is not null) await spread.CompleteAsync(cancellationToken);
            folder.RemoveState();
            session.Out.Line(session.Text("run.done", RunClock.Show(clock.Elapsed)));
        }
        catch (StudyStoppedException e)
        {
            // The step's values were still there when it broke, so that naming the operation needs no second run.
            if (e.Problem.Code == "diverged" && trainers?.LastDiverged is { } last)
                session.Error.Line(last.Told(session));
            ProblemPrinter.Print(session, [e.Problem], session.Text("run.resume", folder.Root));
            return ExitCode.TrainingStopped;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            session.Error.Line(session.Text("run.cancelled", Quoted(path), Quoted(folder.Root)));
            return ExitCode.Cancelled;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("output-unwritable", Place.InFile(folder.Root), e.Message));
        }
        return ExitCode.Done;
    }

    /// <summary>A path as it can be typed into a shell again.</summary>
    private static string Quoted(string path) => path.Any(char.IsWhiteSpace) ? $"\"{path}\"" : path;
}
