using System.CommandLine;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Transport.Identity;

namespace Comity.Cli.Sites;

/// <summary>What opens a site's state, as every command about a site takes it.</summary>
internal sealed class StateKeyOptions
{
    private readonly Session _session;
    private readonly Option<string?> _file;
    private readonly Option<bool> _passphrase;

    public StateKeyOptions(Session session)
    {
        _session = session;
        _file = new("--key-file") { Description = session.Text("option.key-file", StateKey.Variable, StateKey.FileVariable), HelpName = "FILE" };
        _file.CompletionSources.Add(Commands.CommonOptions.Paths);
        _passphrase = new("--passphrase") { Description = session.Text("option.passphrase", StateKey.PassphraseVariable) };
    }

    /// <summary>A command with these options.</summary>
    public Command On(Command command)
    {
        command.Options.Add(_file);
        command.Options.Add(_passphrase);
        return command;
    }

    /// <summary>The key that was given; null: none.</summary>
    /// <exception cref="StoppedException">Exit code 2: it is no key, or there are two.</exception>
    public StateKey? Key(ParseResult parsed) => Find(_session, parsed.GetValue(_file), parsed.GetValue(_passphrase) ? "passphrase.ask" : null, "COMITY_");

    /// <summary>Opens a site's state.</summary>
    /// <exception cref="StoppedException">Exit code 4: the key does not open it.</exception>
    public static StateVault Open(DeclaredSite site, StateKey? key)
    {
        try
        {
            return StateVault.Open(site.StateFolder, key);
        }
        catch (InvalidDeclarationException e)
        {
            throw new StoppedException(ExitCode.Output, e.Problems);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("site-state-damaged", Place.InFile(site.StateFolder), e.Message));
        }
    }

    /// <summary>A key that was given or is asked for.</summary>
    public static StateKey? Find(Session session, string? file, string? ask, string prefix)
    {
        var problems = new ProblemList();
        var typed = ask is null ? null : TypedPassphrase.Read(session.Text(ask), Console.Error, Console.In, Console.IsInputRedirected ? null : () => Console.ReadKey(intercept: true));
        var key = StateKey.Find(file, typed, session.Environment, problems, prefix);
        return problems.HasErrors ? throw new StoppedException(ExitCode.Usage, problems) : key;
    }
}
