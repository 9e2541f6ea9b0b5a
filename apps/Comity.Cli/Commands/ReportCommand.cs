using System.CommandLine;
using Comity.Cli.Runs;
using Comity.Insight.Report;
using Comity.Insight.Results;

namespace Comity.Cli.Commands;

/// <summary><c>comity report RUN_DIR</c>: renders the report again from the results, in the language chosen.</summary>
internal static class ReportCommand
{
    public static Command Create(Session session)
    {
        var run = new Argument<string>("RUN_DIR") { HelpName = "RUN_DIR", Description = session.Text("argument.run") };
        run.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("report", session.Text("report.description")) { run };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var folder = parsed.GetRequiredValue(run);
            var results = ResultsFile.Read(Path.Combine(folder, "results.json"));
            var path = Path.Combine(folder, "report.html");
            AtomicFile.Write(path, await ReportPage.RenderAsync(results, session.Language, RunLogs.Read(folder, long.MaxValue, cancellationToken)));
            session.Out.Line(session.Text("report.written", Path.GetFullPath(path)));
            return (int)ExitCode.Done;
        });
        return command;
    }
}
