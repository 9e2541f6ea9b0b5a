using System.CommandLine;
using System.Security.Cryptography;
using Comity.Cli.Network;
using Comity.Cli.Sites;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Transport.Identity;
using Comity.Transport.Sites;

namespace Comity.Cli.Commands;

/// <summary><c>comity site run</c>: joins if need be, then serves studies until it is stopped.</summary>
internal static class SiteRunCommand
{
    private const string ServiceOption = "--service";

    /// <summary>The name of the Windows service as which the command line is started; null: by a person, or by systemd.</summary>
    public static string? ServiceIn(IReadOnlyList<string> arguments) =>
        arguments is ["site", "run", ..] ? arguments.SkipWhile(a => a != ServiceOption).Skip(1).FirstOrDefault() : null;

    public static Command Create(Session session)
    {
        var config = SiteCommand.Config(session);
        var join = new Option<string?>("--join") { Description = session.Text("site.run.join"), HelpName = "CODE" };
        var threads = new Option<int>("--threads") { Description = session.Text("site.run.threads"), HelpName = "N", DefaultValueFactory = _ => 1 };
        threads.Validators.Add(result => RunOptions.AtLeastOne(session, result, "--threads"));
        var log = new Option<string?>("--log") { Description = session.Text("site.run.log"), HelpName = "FILE" };
        var otlp = new Option<string?>("--otlp") { Description = session.Text("site.run.otlp"), HelpName = "URL" };
        var service = new Option<string?>(ServiceOption) { Hidden = true }; // what site install writes
        service.Validators.Add(result =>
        {
            if (!OperatingSystem.IsWindows()) result.AddError(session.Text("site.run.no-service"));
        });
        var keys = new StateKeyOptions(session);
        var command = keys.On(new Command("run", session.Text("site.run.description")) { config, join, threads, log, otlp, service });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var site = DeclaredSite.Read(parsed.GetRequiredValue(config));
            using var telemetry = Telemetry(session, site, parsed.GetValue(log), parsed.GetValue(otlp));
            return (int)await RunAsync(session, site, keys.Key(parsed), parsed.GetValue(join), parsed.GetValue(threads), telemetry, cancellationToken);
        });
        return command;
    }

    private static SiteTelemetry Telemetry(Session session, DeclaredSite site, string? log, string? otlp)
    {
        Uri? collector = null;
        if (otlp is not null && (!Uri.TryCreate(otlp, UriKind.Absolute, out collector) || collector.Scheme is not ("http" or "https")))
            throw new StoppedException(ExitCode.Usage, Texts.Problem("site-otlp", Place.InFile("--otlp"), otlp));
        try
        {
            return new(site.Section.Site, log, collector, session.Time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("site-log", Place.InFile("--log"), log, e.Message));
        }
    }

    private static async Task<ExitCode> RunAsync(Session session, DeclaredSite site, StateKey? key, string? join, int threads, SiteTelemetry telemetry, CancellationToken cancellationToken)
    {
        var code = join is null ? null : JoinCode.Parse(join) ?? throw new StoppedException(ExitCode.Usage, Texts.Problem("join-code-damaged", Place.InFile("--join")));
        using var held = StateLock.Take(site.StateFolder);
        using var vault = StateKeyOptions.Open(site, key);
        using var identity = Open(session, site, vault);
        key?.Dispose();
        if (identity.KeyIsExposed) session.Error.Line(session.Error.Yellow(session.Text("site.key-exposed", Path.Combine(site.StateFolder, SiteIdentity.KeyFile))));
        var membership = new Membership(session, site, identity);
        if (code is not null) await new Joining(session, site, identity).JoinAsync(code, cancellationToken);

        var connection = membership.Connection();
        using var http = SiteConnections.Open(connection, session);
        var client = new IdentityClient(http, session.Time);
        var me = await membership.ArriveAsync(client, connection.Address, hello => new Joining(session, site, identity).Check(hello, connection.Address), cancellationToken);
        session.Out.Line(session.Text("site.serving", me.Name, connection.Address));
        await WorkAsync(
            token => membership.KeepAsync(client, connection.Address, token),
            token => new SiteServing(session, site, identity.Key, vault, threads, telemetry).ServeAsync(http, connection.Address, Environment.ProcessorCount, token), cancellationToken);
        return ExitCode.Done;
    }

    // Whichever ends first ends the site: it no longer belongs, or it was stopped.
    private static async Task WorkAsync(Func<CancellationToken, Task> keep, Func<CancellationToken, Task> serve, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] both = [keep(over.Token), serve(over.Token)];
        var first = await Task.WhenAny(both);
        await over.CancelAsync();
        await Task.WhenAll(both).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
    }

    private static SiteIdentity Open(Session session, DeclaredSite site, StateVault vault)
    {
        try
        {
            if (vault.IsSealed && SiteState.Seal(site.StateFolder, vault) is > 0 and var count) session.Out.Line(session.Text("site.sealed-now", count));
            session.Out.Line(session.Text(vault.IsSealed ? "site.sealed" : "site.not-sealed", site.StateFolder));
            return SiteIdentity.OpenOrMake(site.StateFolder, vault);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException or InvalidDataException)
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("site-state-damaged", Place.InFile(site.StateFolder), e.Message));
        }
    }
}
