using System.CommandLine;
using System.CommandLine.Invocation;
using System.Globalization;
using Comity.Cli.Commands;
using Comity.Cli.Help;
using Comity.Cli.Terminal;
using Comity.Declarations;
using Comity.Serving.Releases;

namespace Comity.Cli;

/// <summary>Parses the arguments, runs one command and turns whatever happened into an exit code.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Session session, CancellationToken cancellationToken)
    {
        CultureInfo.CurrentUICulture = session.Language; // the parser's own messages are looked up by it
        var parsed = Create(session).Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var error in parsed.Errors) session.Error.Line(session.Error.Red(error.Message));
            var command = string.Join(' ', parsed.CommandResult.Path());
            session.Error.Line(session.Text("usage.remedy", command));
            return (int)ExitCode.Usage;
        }
        var configuration = new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null, // signals are ours: see Interruption
            Output = session.Out.Writer,
            Error = session.Error.Writer,
        };
        try
        {
            return await parsed.InvokeAsync(configuration, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            session.Error.Line(session.Text("cancelled"));
            return (int)ExitCode.Cancelled;
        }
        catch (StoppedException e)
        {
            ProblemPrinter.Print(session, e.Problems);
            return (int)e.Code;
        }
        catch (ReleaseRefusedException e)
        {
            ProblemPrinter.Print(session, [e.Problem]);
            return (int)ExitCode.Refused;
        }
        catch (InvalidDeclarationException e)
        {
            ProblemPrinter.Print(session, e.Problems);
            return (int)ExitCode.InvalidStudy;
        }
        catch (Exception e) when (e is not (OutOfMemoryException or StackOverflowException))
        {
            session.Error.Line(session.Error.Red(session.Text("failed", e.Message)));
            session.Error.Line(e.ToString());
            return (int)ExitCode.Failed;
        }
    }

    /// <summary>The whole command tree.</summary>
    public static RootCommand Create(Session session)
    {
        var root = new RootCommand(session.Text("root.description"));
        root.Options.Add(CommonOptions.Language(session));
        root.Subcommands.Add(RunCommand.Create(session));
        root.Subcommands.Add(WorkerCommand.Create(session));
        root.Subcommands.Add(CheckCommand.Create(session));
        root.Subcommands.Add(PredictCommand.Create(session));
        root.Subcommands.Add(GenerateCommand.Create(session));
        root.Subcommands.Add(ReleaseCommand.Create(session));
        root.Subcommands.Add(ServeCommand.Create(session));
        root.Subcommands.Add(DeployCommand.Create(session));
        root.Subcommands.Add(DeploymentsCommand.Create(session));
        root.Subcommands.Add(FeedbackCommand.Create(session));
        root.Subcommands.Add(DriftCommand.Create(session));
        root.Subcommands.Add(NextCommand.Create(session));
        root.Subcommands.Add(RehearseCommand.Create(session));
        root.Subcommands.Add(EstimateCommand.Create(session));
        root.Subcommands.Add(LearningRateCommand.Create(session));
        root.Subcommands.Add(SubmitCommand.Create(session));
        root.Subcommands.Add(WatchCommand.Create(session));
        root.Subcommands.Add(StudyCommands.Cancel(session));
        root.Subcommands.Add(StudyCommands.Resume(session));
        root.Subcommands.Add(StudyCommands.Results(session));
        root.Subcommands.Add(ReportCommand.Create(session));
        root.Subcommands.Add(DataCommand.Create(session));
        root.Subcommands.Add(PrivacyCommand.Create(session));
        root.Subcommands.Add(PolicyCommand.Create(session));
        root.Subcommands.Add(AuditCommand.Create(session));
        root.Subcommands.Add(AttackCommand.Create(session));
        root.Subcommands.Add(SiteCommand.Create(session));
        root.Subcommands.Add(SchemaCommand.Create(session));
        root.Subcommands.Add(HelpCommand.Create(session));
        root.Subcommands.Add(CompletionCommand.Create(session));
        ExampleHelp.AddTo(root, session);
        return root;
    }
}
