using System.CommandLine;
using Comity.Coordinator.Hosting;
using Comity.Declarations;
using Comity.Federation.AtRest;

namespace Comity.Coordinator.Commands;

/// <summary><c>comity-coordinator rotate-key</c>: has another key open the state.</summary>
internal static class RotateKeyCommand
{
    public static Command Create(CommandContext context)
    {
        var data = context.DataOption();
        var file = new Option<string?>("--new-key-file") { Description = context.Text("rotate.new-key-file"), HelpName = "FILE" };
        var passphrase = new Option<bool>("--new-passphrase") { Description = context.Text("rotate.new-passphrase") };
        var command = new Command("rotate-key", context.Text("rotate.description")) { data, file, passphrase };
        command.SetAction(result =>
        {
            var problems = new ProblemList();
            var typed = result.GetValue(passphrase) ? StateKeyOptions.Ask(context, "passphrase.ask-new") : null;
            using var next = StateKey.Find(result.GetValue(file), typed, context.Environment, problems, "COMITY_NEW_");
            if (next is null && !problems.HasErrors) problems.Add(Texts.Problem("rotate-no-key", "--new-key-file"));
            if (problems.HasErrors)
            {
                CoordinatorHost.Print(problems, context.Language, context.Error);
                return (int)CoordinatorExit.Usage;
            }
            try
            {
                var keys = StateVault.Rotate(result.GetRequiredValue(data).FullName, context.Key, next!);
                context.Output.WriteLine(context.Text("rotate.done", next!.Source, keys));
                return (int)CoordinatorExit.Done;
            }
            catch (InvalidDeclarationException e)
            {
                CoordinatorHost.Print(e.Problems, context.Language, context.Error);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return (int)context.Stop(CoordinatorExit.Unavailable, "data-unavailable", "--data", result.GetRequiredValue(data).FullName, e.Message);
            }
            return (int)CoordinatorExit.Unavailable;
        });
        return command;
    }
}
