using System.CommandLine;
using Comity.Cli.Sites;
using Comity.Declarations;
using Comity.Federation.AtRest;

namespace Comity.Cli.Commands;

/// <summary><c>comity site rotate-key</c>: has another key open the site's state.</summary>
internal static class SiteRotateKeyCommand
{
    public static Command Create(Session session)
    {
        var config = SiteCommand.Config(session);
        var keys = new StateKeyOptions(session);
        var file = new Option<string?>("--new-key-file") { Description = session.Text("site.rotate.new-key-file"), HelpName = "FILE" };
        file.CompletionSources.Add(CommonOptions.Paths);
        var passphrase = new Option<bool>("--new-passphrase") { Description = session.Text("site.rotate.new-passphrase") };
        var command = keys.On(new Command("rotate-key", session.Text("site.rotate.description")) { config, file, passphrase });
        command.SetAction(parsed =>
        {
            var site = DeclaredSite.Read(parsed.GetRequiredValue(config));
            using var old = keys.Key(parsed);
            using var next = StateKeyOptions.Find(session, parsed.GetValue(file), parsed.GetValue(passphrase) ? "passphrase.ask-new" : null, "COMITY_NEW_")
                ?? throw new StoppedException(ExitCode.Usage, Texts.Problem("rotate-no-key", Place.InFile("--new-key-file")));
            try
            {
                session.Out.Line(session.Text("site.rotate.done", next.Source, StateVault.Rotate(site.StateFolder, old, next)));
            }
            catch (InvalidDeclarationException e)
            {
                throw new StoppedException(ExitCode.Output, e.Problems);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StoppedException(ExitCode.Output, Texts.Problem("site-state-damaged", Place.InFile(site.StateFolder), e.Message));
            }
            return (int)ExitCode.Done;
        });
        return command;
    }
}
