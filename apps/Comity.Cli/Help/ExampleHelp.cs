using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Comity.Cli.Help;

/// <summary>The parser's help page followed by an example of the command; the root's also lists the exit codes.</summary>
internal sealed class ExampleHelp(HelpAction page, Session session) : SynchronousCommandLineAction
{
    public static void AddTo(RootCommand root, Session session)
    {
        var option = root.Options.OfType<HelpOption>().Single();
        option.Action = new ExampleHelp((HelpAction)option.Action!, session);
        option.Description = session.Text("option.help");
        root.Options.OfType<VersionOption>().Single().Description = session.Text("option.version");
    }

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true; // help is shown whatever else is wrong

    public override int Invoke(ParseResult parseResult)
    {
        page.Invoke(parseResult);
        var command = parseResult.CommandResult;
        var output = session.Out;
        output.Line(session.Text("help.examples"));
        var key = command.Parent is null ? "example" : "example." + string.Join('.', command.Path().Skip(1));
        foreach (var line in session.Text(key).Split('\n')) output.Line("  " + line.Trim());
        if (command.Parent is null)
        {
            output.Line();
            output.Line(session.Text("help.exit-codes"));
            foreach (var line in ExitCodeHelp.Lines(session)) output.Line(line);
        }
        return (int)ExitCode.Done;
    }
}

/// <summary>Names a command by its place in the tree.</summary>
internal static class CommandPath
{
    /// <summary>comity, then the commands down to this one.</summary>
    public static IEnumerable<string> Path(this CommandResult command)
    {
        var names = new List<string>();
        for (SymbolResult? at = command; at is CommandResult each; at = each.Parent) names.Insert(0, each.Parent is null ? "comity" : each.Command.Name);
        return names;
    }
}
