using System.CommandLine;
using Comity.Cli.Sites;
using Comity.Declarations;
using Comity.Transport.Clients;
using Comity.Transport.Identity;

namespace Comity.Cli.Network;

/// <summary>How a study's author names a coordinator and proves who he is: <c>--to</c> and a token from the environment or a file, never from the command line.</summary>
internal sealed class AuthorConnection
{
    private const string TokenVariable = "COMITY_TOKEN";
    public const string AddressVariable = "COMITY_COORDINATOR";
    private readonly Session _session;

    public AuthorConnection(Session session)
    {
        _session = session;
        To = new Option<string?>("--to") { Description = session.Text("option.coordinator", AddressVariable), HelpName = "URL|CODE" };
        TokenFile = new Option<string?>("--token-file") { Description = session.Text("option.token-file", TokenVariable), HelpName = "FILE" };
        TokenFile.CompletionSources.Add(Commands.CommonOptions.Paths);
    }

    public Option<string?> To { get; }

    public Option<string?> TokenFile { get; }

    public void AddTo(Command command)
    {
        command.Options.Add(To);
        command.Options.Add(TokenFile);
    }

    /// <summary>Runs a call over the connection that the command line names; whatever goes wrong on the way becomes a problem.</summary>
    /// <exception cref="StoppedException">Exit code 2: no such connection; 7: the coordinator can't be reached, is another one, or refused.</exception>
    public Task<T> CallAsync<T>(ParseResult parsed, Func<StudyClient, Task<T>> call) => CallAsync(parsed, (HttpClient http) => call(new StudyClient(http, _session.Time)));

    /// <summary>The same for other calls than those about studies.</summary>
    /// <exception cref="StoppedException">Exit code 2: no such connection; 7: the coordinator can't be reached, is another one, or refused.</exception>
    public async Task<T> CallAsync<T>(ParseResult parsed, Func<HttpClient, Task<T>> call)
    {
        var connection = Connection(parsed.GetValue(To) ?? _session.Environment(AddressVariable), parsed.GetValue(TokenFile));
        using var http = SiteConnections.Open(connection, _session);
        try
        {
            return await CoordinatorProblems.GuardAsync(connection.Address, async () =>
            {
                try
                {
                    return await call(http);
                }
                catch (Exception e) when (UntrustedCoordinatorException.Within(e) is { Verdict: CertificateVerdict.Foreign or CertificateVerdict.WrongUse } untrusted)
                {
                    throw new StoppedException(ExitCode.Coordinator, Texts.Problem(connection.Authority is null ? "coordinator-unpinned" : "coordinator-impostor", Place.InFile(connection.Address.AbsoluteUri), untrusted.Issuer));
                }
            });
        }
        catch (WireException e)
        {
            throw new StoppedException(ExitCode.Coordinator, e.Told.ToProblem(connection.Address.Host));
        }
        catch (TimeoutException e)
        {
            throw new StoppedException(ExitCode.Coordinator, Texts.Problem("coordinator-unreachable", Place.InFile(connection.Address.AbsoluteUri), e.Message));
        }
    }

    private CoordinatorConnection Connection(string? to, string? tokenFile)
    {
        if (string.IsNullOrEmpty(to)) throw new StoppedException(ExitCode.Usage, Texts.Problem("coordinator-unnamed", Place.InFile("--to"), AddressVariable));
        var code = JoinCode.Parse(to);
        if (code is null && (!Uri.TryCreate(to, UriKind.Absolute, out var address) || address.Scheme != Uri.UriSchemeHttps || address.PathAndQuery != "/"))
            throw new StoppedException(ExitCode.Usage, Texts.Problem("coordinator-address", Place.InFile("--to"), to.Length > 100 ? to[..100] + "…" : to));
        var token = PersonToken.Parse(Token(tokenFile)) ?? throw new StoppedException(ExitCode.Usage, Texts.Problem("token-damaged", Place.InFile(tokenFile ?? TokenVariable)));
        // An address alone does not say whose certificate is to be expected there; the token does.
        var connection = code is null
            ? new CoordinatorConnection { Address = new Uri(to), Authority = token.Authority, ThroughProxy = token.ThroughProxy }
            : new CoordinatorConnection { Address = code.Coordinator, Authority = code.Authority, ThroughProxy = code.ThroughProxy };
        return connection with { Token = token.Bearer };
    }

    private string Token(string? file)
    {
        try
        {
            var token = (file is null ? _session.Environment(TokenVariable) : File.ReadAllText(file))?.Trim();
            if (!string.IsNullOrEmpty(token)) return token;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoppedException(ExitCode.Usage, Texts.Problem("token-unreadable", Place.InFile(file!), e.Message));
        }
        throw new StoppedException(ExitCode.Usage, Texts.Problem("token-missing", Place.InFile("--token-file"), TokenVariable));
    }
}
