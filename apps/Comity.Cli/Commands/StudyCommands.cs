using System.CommandLine;
using Comity.Cli.Network;
using Comity.Declarations;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;

namespace Comity.Cli.Commands;

/// <summary><c>comity cancel|resume ID</c> and <c>comity results ID --out DIR</c>: what an author does with a study at a coordinator.</summary>
internal static class StudyCommands
{
    public static Command Cancel(Session session) => Change(session, "cancel", (client, id, cancellationToken) => client.CancelAsync(id, cancellationToken));

    public static Command Resume(Session session) => Change(session, "resume", (client, id, cancellationToken) => client.ResumeAsync(id, cancellationToken));

    public static Command Results(Session session)
    {
        var (id, connection) = (Id(session), new AuthorConnection(session));
        var folder = new Option<string>("--out") { Description = session.Text("option.results-out"), HelpName = "DIR", Required = true };
        folder.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("results", session.Text("results.description")) { id, folder };
        connection.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) => (int)await connection.CallAsync(parsed, async client =>
        {
            var target = Path.GetFullPath(parsed.GetRequiredValue(folder));
            if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any() && !FetchedResults.IsBegun(target))
                throw new StoppedException(ExitCode.Output, Texts.Problem("output-not-empty", Place.InFile(target)));
            await FetchedResults.WriteAsync(session, client, parsed.GetRequiredValue(id), target, cancellationToken);
            session.Out.Line(session.Text("results.written", target));
            return ExitCode.Done;
        }));
        return command;
    }

    private static Command Change(Session session, string name, Func<StudyClient, string, CancellationToken, Task<StudyView>> change)
    {
        var (id, connection) = (Id(session), new AuthorConnection(session));
        var command = new Command(name, session.Text(name + ".description")) { id };
        connection.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) => (int)await connection.CallAsync(parsed, async client =>
        {
            var view = await change(client, parsed.GetRequiredValue(id), cancellationToken);
            session.Out.Line(session.Text("watch.state", view.Id, session.Text("state." + view.State)));
            return ExitCode.Done;
        }));
        return command;
    }

    private static Argument<string> Id(Session session) => new("ID") { HelpName = "ID", Description = session.Text("argument.study-id") };
}
