using System.CommandLine;
using Comity.Cli.Network;
using Comity.Transport.Protocol;

namespace Comity.Cli.Commands;

/// <summary><c>comity watch [ID]</c>: follows a study at a coordinator, or lists all.</summary>
internal static class WatchCommand
{
    public static Command Create(Session session)
    {
        var connection = new AuthorConnection(session);
        var id = new Argument<string?>("ID") { HelpName = "ID", Description = session.Text("argument.watch-id"), Arity = ArgumentArity.ZeroOrOne };
        var once = new Option<bool>("--once") { Description = session.Text("option.once") };
        var command = new Command("watch", session.Text("watch.description")) { id, once };
        connection.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) => (int)await connection.CallAsync(parsed, async client =>
        {
            var view = new WatchView(session);
            if (parsed.GetValue(id) is not { } study)
            {
                var listing = await client.ListAsync(cancellationToken);
                foreach (var each in listing.Studies) session.Out.Line($"{each.Id}  {session.Text("state." + each.State)}  {each.Author}");
                if (listing.Studies.Count == 0) session.Out.Line(session.Text("watch.none"));
                return ExitCode.Done;
            }
            var shown = await client.ViewAsync(study, 0, TimeSpan.Zero, cancellationToken);
            if (!parsed.GetValue(once)) return Ended(session, await view.FollowAsync(client, study, cancellationToken));
            view.Show(shown);
            return ExitCode.Done;
        }));
        return command;
    }

    /// <summary>Says how a study ended, and with which exit code.</summary>
    public static ExitCode Ended(Session session, StudyView view)
    {
        if (view.State == StudyState.Done)
        {
            session.Out.Line(session.Text("watch.results", view.Id));
            return ExitCode.Done;
        }
        new WatchView(session).Show(view);
        return ExitCode.TrainingStopped;
    }
}
