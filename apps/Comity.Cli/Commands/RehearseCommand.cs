using System.CommandLine;
using Comity.Cli.Loop;
using Comity.Cli.Progress;
using Comity.Declarations;

namespace Comity.Cli.Commands;

/// <summary><c>comity rehearse examples/loop</c>: plays the whole circle on synthetic records, with real servers, and writes a page on it.</summary>
internal static class RehearseCommand
{
    public static Command Create(Session session)
    {
        var example = new Argument<string>("EXAMPLE") { HelpName = "EXAMPLE", Description = session.Text("argument.example") };
        var output = new Option<string>("--out") { Description = session.Text("option.rehearse-out"), HelpName = "DIR", DefaultValueFactory = _ => Path.Combine("runs", "loop") };
        example.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("rehearse", session.Text("rehearse.description")) { example, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var root = Path.GetFullPath(parsed.GetRequiredValue(output));
            if (File.Exists(root) || (Directory.Exists(root) && Directory.EnumerateFileSystemEntries(root).Any())) throw new StoppedException(ExitCode.Output, Texts.Problem("output-not-empty", Place.InFile(root)));
            var clock = new RunClock(session.Time);
            var page = await new Rehearsal(session, parsed.GetRequiredValue(example), root).PlayAsync(cancellationToken);
            session.Out.Line(session.Text("rehearse.done", RunClock.Show(clock.Elapsed), page));
            return (int)ExitCode.Done;
        });
        return command;
    }
}
