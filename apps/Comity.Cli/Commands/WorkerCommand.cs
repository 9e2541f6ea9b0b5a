using System.CommandLine;
using System.Globalization;
using Comity.Cli.Progress;
using Comity.Cli.Runs;
using Comity.Cli.Spreading;
using Comity.Cli.Terminal;
using Comity.Workers;

namespace Comity.Cli.Commands;

/// <summary><c>comity worker</c>: trains trials of runs that are spread over machines.</summary>
internal static class WorkerCommand
{
    public static Command Create(Session session)
    {
        var spread = new SpreadOptions(session);
        var studies = new Option<string?>("--studies") { Description = session.Text("option.studies"), HelpName = "DIR" };
        studies.CompletionSources.Add(CommonOptions.Paths);
        var name = new Option<string?>("--name") { Description = session.Text("option.worker-name"), HelpName = "NAME" };
        var jobs = new Option<int>("--jobs") { Description = session.Text("option.jobs"), HelpName = "N", DefaultValueFactory = _ => Environment.ProcessorCount };
        jobs.Validators.Add(result => RunOptions.AtLeastOne(session, result, "--jobs"));
        var threads = new Option<int?>("--threads") { Description = session.Text("option.threads"), HelpName = "N" };
        threads.Validators.Add(result => RunOptions.AtLeastOne(session, result, "--threads"));
        var width = new Option<int?>("--width") { Description = session.Text("option.width"), HelpName = "128|256|512" };
        width.AcceptOnlyFromAmong("128", "256", "512");
        var scratch = new Option<string?>("--scratch") { Description = session.Text("option.scratch"), HelpName = "DIR" };
        scratch.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("worker", session.Text("worker.description"));
        spread.AddTo(command);
        foreach (var option in new Option[] { studies, name, jobs, threads, width, scratch }) command.Options.Add(option);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var at = spread.Read(session, parsed);
            if (parsed.GetValue(width) is { } bits) VectorWidth.Force(bits, session.Environment);
            var slots = parsed.GetValue(jobs);
            var folder = Path.GetFullPath(parsed.GetValue(scratch) ?? Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"comity-worker-{Environment.ProcessId}")));
            var options = new WorkerOptions
            {
                Name = parsed.GetValue(name) ?? string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}/{Environment.ProcessId}"),
                Machine = Environment.MachineName,
                Slots = slots,
                VectorBits = VectorWidth.Current,
                Architecture = RunDescriptions.Architecture,
                Version = ToolVersion.Text,
                Scratch = folder,
                Open = new WorkerStudies(session, parsed.GetValue(studies), parsed.GetValue(threads) ?? Math.Max(1, Environment.ProcessorCount - slots + 1)).OpenAsync,
                Tell = happened => Tell(session, happened),
                Time = session.Time,
            };
            try
            {
                await using var worker = await TrialWorker.OpenAsync(at.Store, at.Queue, options, cancellationToken);
                session.Out.Line(session.Text("worker.started", options.Name, at.Queue.Shown, at.Store.Shown, slots, VectorWidth.Current));
                await worker.RunAsync(cancellationToken);
                session.Out.Line(session.Text("worker.ended"));
                return (int)ExitCode.Done;
            }
            catch (WorkersRefusedException e)
            {
                throw new StoppedException(ExitCode.Infrastructure, e.Problem);
            }
            finally
            {
                if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any()) Directory.Delete(folder);
            }
        });
        return command;
    }

    private static void Tell(Session session, WorkerEvent happened)
    {
        switch (happened)
        {
            case WorkerEvent.Begun begun:
                session.Out.Line(begun.Delivery > 1 ? session.Text("worker.begun-again", begun.Order, begun.Delivery) : session.Text("worker.begun", begun.Order));
                break;
            case WorkerEvent.Finished finished:
                session.Out.Line(session.Text("worker.finished", finished.Order, RunClock.Show(finished.Took)));
                break;
            case WorkerEvent.GivenBack back:
                session.Out.Line(session.Text("worker.given-back", back.Order));
                break;
            case WorkerEvent.LeaseLost lost:
                session.Error.Line(session.Text("worker.lease-lost", lost.Order));
                break;
            case WorkerEvent.Failed failed:
                session.Error.Line(session.Text("worker.failed", failed.Order));
                ProblemPrinter.Print(session, [failed.Problem]);
                break;
            case WorkerEvent.Declined declined:
                session.Error.Line(session.Text("worker.declined", declined.Study));
                ProblemPrinter.Print(session, [declined.Problem]);
                break;
            case WorkerEvent.Disconnected gone:
                session.Error.Line(session.Text("worker.disconnected", gone.Reason));
                break;
            case WorkerEvent.Reconnected:
                session.Out.Line(session.Text("worker.reconnected"));
                break;
        }
    }
}
