using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Comity.Cli.Network;
using Comity.Cli.Releases;
using Comity.Cli.Terminal;
using Comity.Declarations;
using Comity.Serving.Deployments;
using Comity.Serving.Hosting;
using Comity.Serving.Inference;
using Comity.Serving.Releases;
using Comity.Transport.Identity;

namespace Comity.Cli.Commands;

/// <summary><c>comity serve FILE…</c>: puts verified releases in service in a market until it is asked to stop.</summary>
internal static class ServeCommand
{
    public static Command Create(Session session)
    {
        var options = new ServeOptions(session);
        var command = new Command("serve", session.Text("serve.description"));
        options.AddTo(command);
        command.Subcommands.Add(ServeTokenCommand.Create(session));
        // What waits for a connection (orders, their releases) goes on on the pool: the threads that hear of incoming data answer requests.
        command.SetAction(async (parsed, cancellationToken) => (int)await Task.Factory.StartNew(
            () => ServeAsync(session, options, parsed, cancellationToken), CancellationToken.None, TaskCreationOptions.DenyChildAttach, new ConcurrentExclusiveSchedulerPair().ConcurrentScheduler).Unwrap());
        return command;
    }

    private static async Task<ExitCode> ServeAsync(Session session, ServeOptions options, ParseResult parsed, CancellationToken cancellationToken)
    {
        var trusted = ComityHome.Of(session).Trusted;
        var code = parsed.GetValue(options.Join) is { } join ? JoinCode.Parse(join) ?? throw new StoppedException(ExitCode.Usage, Texts.Problem("join-code-damaged", Place.InFile("--join"))) : null;
        var releases = (parsed.GetValue(options.Files) ?? []).Select(file => ReleaseFiles.Read(file, trusted)).ToList();
        var chosen = Read(session, options, parsed, releases, trusted);
        // Models are loaded while the server starts: half the wait on two cores.
        var loading = Task.Run(() => releases.Select(ServedModel.Load).ToList(), cancellationToken);
        await using var server = await StartAsync(chosen, session, cancellationToken);
        foreach (var (model, release) in (await loading).Zip(releases))
        {
            server.Put(model);
            session.Out.Line(session.Text("serve.model", release.Manifest.Id, release.Signer[..16]));
            // A new market is what models travel for, and a misspelt one looks the same: it is said either way.
            if (release.Manifest.Markets.All(m => m.Id != chosen.Market))
                session.Out.Line(session.Text("serve.market-new", release.Manifest.Id, chosen.Market, string.Join(", ", release.Manifest.Markets.Select(m => m.Id))));
        }
        session.Out.Line(session.Text("serve.listening", server.Address.ToString().TrimEnd('/'), chosen.Market, chosen.State));
        // Asked to stop: that is how a server ends.
        var poll = TimeSpan.FromSeconds(Math.Max(0.1, parsed.GetValue(options.Poll)));
        var member = new ServingNode(session, parsed.GetRequiredValue(options.Node), chosen.Market, chosen.State);
        if (parsed.GetValue(options.Deployments) is { } deployments)
        {
            var node = new DeploymentNode(
                server, new DeploymentFolder(Path.GetFullPath(deployments)), trusted, chosen.Market, parsed.GetRequiredValue(options.Node), chosen.State, new CanaryLimits(), session.Time);
            await node.RunAsync(poll, cancellationToken);
        }
        else if (code is not null || member.HasJoined)
        {
            await member.FollowAsync(server, trusted, code, poll, cancellationToken);
        }
        else
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, session.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        session.Out.Line(session.Text("serve.draining"));
        await server.StopAsync(CancellationToken.None);
        session.Out.Line(session.Text("serve.stopped"));
        return ExitCode.Done;
    }

    private static async Task<ModelServer> StartAsync(ServerOptions options, Session session, CancellationToken cancellationToken)
    {
        try
        {
            return await ModelServer.StartAsync(options, session.Time, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Data.Common.DbException)
        {
            throw new StoppedException(ExitCode.Output, Texts.Problem("serve-unavailable", Place.InFile("--listen"), e.Message));
        }
    }

    private static ServerOptions Read(Session session, ServeOptions options, ParseResult parsed, IReadOnlyList<Release> releases, TrustedSigners trusted)
    {
        var problems = new ProblemList();
        var market = parsed.GetRequiredValue(options.Market);
        if (!ReleaseManifest.IsName(parsed.GetRequiredValue(options.Node))) problems.Add(Texts.Problem("market-name", Place.InFile("--node"), parsed.GetRequiredValue(options.Node)));
        if (!ReleaseManifest.IsName(market)) problems.Add(Texts.Problem("market-name", Place.InFile("--market"), market));
        var address = ListenAddress.Read(parsed.GetRequiredValue(options.Listen), problems);
        var certificate = Certificate(parsed.GetValue(options.Certificate), parsed.GetValue(options.Key), problems);
        if (address is { IsHttps: true } && certificate is null && !problems.HasErrors) problems.Add(Texts.Problem("serve-certificate", Place.InFile("--certificate")));
        AccessTokens? tokens = null;
        if (parsed.GetValue(options.Tokens) is { } file)
        {
            if (File.Exists(file)) tokens = AccessTokens.Read(file);
            else problems.Add(Texts.Problem("serve-tokens", Place.InFile(file)));
        }
        // What others can reach asks who they are, unless its operator says that something before it does.
        if (tokens is null && address is { } listen && !IPAddress.IsLoopback(listen.EndPoint.Address) && !parsed.GetValue(options.Open)) problems.Add(Texts.Problem("serve-open", Place.InFile("--tokens")));
        Uri? otlp = null;
        if ((parsed.GetValue(options.Otlp) ?? session.Environment("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")) is { Length: > 0 } text && !Uri.TryCreate(text, UriKind.Absolute, out otlp)) problems.Add(Texts.Problem("serve-otlp", Place.InFile("--otlp"), text));
        if (problems.HasErrors) throw new StoppedException(ExitCode.Usage, problems);
        var jurisdiction = releases.SelectMany(r => r.Manifest.Markets).FirstOrDefault(m => m.Id == market)?.Jurisdiction;
        return new ServerOptions
        {
            Address = address!.EndPoint,
            Certificate = certificate,
            Market = market,
            State = Path.GetFullPath(parsed.GetValue(options.State) ?? Path.Combine("serving", market)),
            Store = (parsed.GetValue(options.Store) ?? session.Environment(MarketStateOptions.StoreVariable)) is { Length: > 0 } store ? MarketStateOptions.StoreOf(session, store, market) : null,
            Language = LanguageOf(session, parsed, jurisdiction),
            Tokens = tokens,
            Limits = new ServingLimits
            {
                Batch = new BatchOptions(parsed.GetValue(options.BatchRows), TimeSpan.FromMilliseconds(parsed.GetValue(options.BatchDelay))),
                CacheBytes = parsed.GetValue(options.Cache) * 1024L * 1024,
                InFlight = parsed.GetValue(options.InFlight),
                Drain = TimeSpan.FromSeconds(parsed.GetValue(options.Drain)),
            },
            WindowRows = parsed.GetValue(options.Window),
            Retention = parsed.GetValue(options.Retain) is { } days ? TimeSpan.FromDays(days) : null,
            Releases = parsed.GetValue(options.Releases) ?? (parsed.GetValue(options.Files) is { Length: > 0 } files ? Path.GetDirectoryName(Path.GetFullPath(files[0])) : null),
            Trusted = trusted,
            Otlp = otlp,
            ToolVersion = ToolVersion.Text,
        };
    }

    // The market's own language, unless the command line asks for one.
    private static CultureInfo LanguageOf(Session session, ParseResult parsed, string? jurisdiction) =>
        parsed.GetValue<string?>("--lang") is null && jurisdiction is ("CN" or "SG") ? Language.Of(Language.SimplifiedChinese) : session.Language;

    private static X509Certificate2? Certificate(string? file, string? key, ProblemList problems)
    {
        if (file is null) return null;
        try
        {
            // Windows' TLS wants a key that is stored; elsewhere the imported form is the same.
            using var read = X509Certificate2.CreateFromPemFile(file, key);
            return RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pkcs12), null) : X509Certificate2.CreateFromPemFile(file, key);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            problems.Add(Texts.Problem("serve-certificate-unreadable", Place.InFile(file), e.Message));
            return null;
        }
    }
}
