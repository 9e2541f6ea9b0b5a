using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;
using Comity.Coordinator.Commands;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Storage;
using Comity.Declarations;
using Comity.Transport.Queues;
using Comity.Transport.Stores;

namespace Comity.Coordinator;

/// <summary>The neutral party's command line.</summary>
internal static class CoordinatorCommandLine
{
    public static async Task<int> RunAsync(
        string[] args, Func<string, string?> environment, TextWriter output, TextWriter error, TimeProvider time, CancellationToken cancellationToken)
    {
        var language = Texts.LanguageOf(args, environment);
        CultureInfo.CurrentUICulture = language; // the parser's own messages are looked up by it
        var problems = new ProblemList();
        var context = new CommandContext(language, output, error, environment, time) { Store = StoreAddress.Of(args, environment, "comity-coordinator", problems), Queue = QueueAddress.Of(args, environment, problems) };
        context = context with { Key = StateKeyOptions.Of(args, context, problems) };
        var parsed = Create(context).Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var problem in parsed.Errors) await error.WriteLineAsync(problem.Message);
            await error.WriteLineAsync(Texts.Catalog.Text("usage.remedy", language));
            return (int)CoordinatorExit.Usage;
        }

        if (problems.HasErrors && parsed.CommandResult.Command is not RootCommand && parsed.Action is not HelpAction)
        {
            CoordinatorHost.Print(problems, language, error);
            return (int)CoordinatorExit.Usage;
        }

        // The host stops on Ctrl-C and SIGTERM by itself, and has its own time for it.
        var configuration = new InvocationConfiguration { Output = output, Error = error, ProcessTerminationTimeout = null };
        return await parsed.InvokeAsync(configuration, cancellationToken);
    }

    private static RootCommand Create(CommandContext context)
    {
        var root = new RootCommand(context.Text("root.description"));
        root.Options.Add(new Option<string>("--lang") { Description = context.Text("root.language"), Recursive = true, HelpName = "en|zh-Hans" });
        root.Options.Add(new Option<string>(StoreAddress.Option) { Description = context.Text("root.store", StoreAddress.Variable), Recursive = true, HelpName = "postgres://…" });
        StateKeyOptions.AddTo(root, context);
        root.Options.Add(new Option<string>(QueueAddress.Option) { Description = context.Text("root.queue", QueueAddress.Variable), Recursive = true, HelpName = "amqp://…" });
        root.Subcommands.Add(ServeCommand.Create(context));
        root.Subcommands.Add(SitesCommand.Create(context));
        root.Subcommands.Add(StudiesCommand.Create(context));
        root.Subcommands.Add(TokensCommand.Create(context));
        root.Subcommands.Add(JoinCodeCommand.Create(context));
        root.Subcommands.Add(RotateKeyCommand.Create(context));
        root.Subcommands.Add(BackupCommand.Create(context));
        root.Subcommands.Add(BackupCommand.CreateRestore(context));
        return root;
    }
}
