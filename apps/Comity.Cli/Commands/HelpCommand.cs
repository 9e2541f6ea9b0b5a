using System.CommandLine;
using Comity.Cli.Help;

namespace Comity.Cli.Commands;

/// <summary><c>comity help [TOPIC]</c>: pages that belong to no single command.</summary>
internal static class HelpCommand
{
    public const string ExitCodesTopic = "exit-codes";

    public static Command Create(Session session)
    {
        var topic = new Argument<string?>("TOPIC") { Description = session.Text("argument.topic"), Arity = ArgumentArity.ZeroOrOne };
        topic.AcceptOnlyFromAmong(ExitCodesTopic);
        var command = new Command("help", session.Text("help.description")) { topic };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(topic) == ExitCodesTopic)
            {
                foreach (var line in ExitCodeHelp.Lines(session)) session.Out.Line(line);
                return (int)ExitCode.Done;
            }
            return parsed.RootCommandResult.Command.Parse("--help").Invoke(new InvocationConfiguration { Output = session.Out.Writer });
        });
        return command;
    }
}
