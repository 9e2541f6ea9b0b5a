using System.Globalization;
using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography;
using Comity.Coordinator.Access;
using Comity.Coordinator.Deployments;
using Comity.Coordinator.Identity;
using Comity.Coordinator.Replicas;
using Comity.Coordinator.Storage;
using Comity.Coordinator.Studies;
using Comity.Coordinator.Telemetry;
using Comity.Declarations;
using Comity.Federation.AtRest;
using Comity.Serving.Hosting;
using Comity.Transport.Identity;
using Comity.Transport.Signing;
using Comity.Transport.Stores;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Data.Sqlite;

namespace Comity.Coordinator.Hosting;

/// <summary>Serves the coordinator's address until it is asked to stop.</summary>
/// <remarks>A call passes: rate limit, proof of the caller, table of access, endpoint. TLS ends here or at a proxy; a site's signature is judged either way.</remarks>
internal static class CoordinatorHost
{
    /// <summary>How far a caller's clock may be off.</summary>
    public static readonly TimeSpan AllowedSkew = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(20);

    public static async Task<CoordinatorExit> ServeAsync(ServeOptions options, CultureInfo language, TextWriter output, TextWriter error, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            using var folder = DataFolder.Take(options.DataFolder);
            using var vault = StateVault.Open(options.DataFolder, options.Key);
            if (vault.IsSealed) CoordinatorState.Seal(options.DataFolder, vault);
            using var early = LoggerFactory.Create(Log);
            StoreMark.Check(options.DataFolder, options.Store);
            var run = new HostRun(options, folder, vault, early, language, output, error, time);
            if (options.Queue is not null)
            {
                await ReplicaHost.ServeAsync(run, cancellationToken);
                await output.WriteLineAsync(Texts.Catalog.Text("serve.stopped", language));
                return CoordinatorExit.Done;
            }
            using var store = options.Store is { } address ? PostgresStore.Lead(address, time, early.CreateLogger(typeof(PostgresStore).FullName!), cancellationToken) : null;
            using var database = store is null ? CoordinatorDatabase.Open(options.DataFolder) : CoordinatorDatabase.Of(store);
            if (store is not null)
            {
                StoreMark.Match(options.DataFolder, store, database);
                StoreMark.MatchVault(options.DataFolder, store, database, vault);
            }
            using var authority = CertificateAuthority.OpenOrMake(options.DataFolder, time, vault);
            if (store is not null) StoreMark.Leave(options.DataFolder, store, database, new Registry(database, authority, time), authority, vault);
            if (await LeadAsync(run, store, database, authority, cancellationToken))
            {
                LogLines.StoreSuperseded(early.CreateLogger(typeof(PostgresStore).FullName!), store!.Address.Shown, store.Epoch);
                Print([Texts.Problem("store-superseded", store.Address.Place, store.Address.Shown)], language, error);
                return CoordinatorExit.Unavailable;
            }
            await output.WriteLineAsync(Texts.Catalog.Text("serve.stopped", language));
            return CoordinatorExit.Done;
        }
        catch (InvalidDeclarationException e)
        {
            Print(e.Problems, language, error);
        }
        catch (NewerStateException e)
        {
            Print([Texts.Problem("state-newer", options.Store?.Place ?? "--data", e.Found, e.Newest)], language, error);
        }
        catch (StoreRefusedException e)
        {
            Print([e.Problem], language, error);
        }
        catch (Exception e) when (e is StoreUnavailableException or StaleEpochException or Npgsql.NpgsqlException)
        {
            Print([Texts.Problem("store-failed", options.Store?.Place ?? StoreAddress.Option, options.Store?.Shown, (e.InnerException ?? e).Message)], language, error);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return CoordinatorExit.Done; // asked to stop while it waited for another
        }
        catch (Exception e) when (DiskFull.Is(e))
        {
            Print([Texts.Problem(FullDisk.Code, "--data")], language, error); // nothing is damaged
        }
        catch (Exception e) when (e is SqliteException or CryptographicException)
        {
            Print([Texts.Problem("state-damaged", "--data", options.DataFolder, e.Message)], language, error);
        }
        catch (DataFolderException e)
        {
            Print([Texts.Problem("data-unavailable", "--data", options.DataFolder, e.Message)], language, error);
        }
        catch (IOException e)
        {
            Print([Texts.Problem("listen-unavailable", "--listen", options.Listen, e.Message)], language, error);
        }
        return CoordinatorExit.Unavailable;
    }

    /// <summary>Serves all calls and drives the studies; true: until another coordinator took over, false: until it was asked to stop.</summary>
    public static async Task<bool> LeadAsync(HostRun run, PostgresStore? store, CoordinatorDatabase database, CertificateAuthority authority, CancellationToken cancellationToken)
    {
        var (options, time) = (run.Options, run.Time);
        var registry = new Registry(database, authority, time);
        using var audit = CoordinatorAudit.Open(options.DataFolder, authority, registry, time, store, run.Logs.CreateLogger(typeof(CoordinatorAudit).FullName!));
        await using var studies = new StudyServer(StudyServer.FolderIn(options.DataFolder), registry, time, audit, store, run.Vault);
        using var telemetry = new CoordinatorTelemetry(registry, options.Otlp, time);
        using var server = new ServerCertificate(authority, options, time);
        await using var application = Build(run, database, authority, registry, studies, server, telemetry);
        await application.StartAsync(cancellationToken);
        await AnnounceAsync(run, application, authority, registry, new Tokens(database));
        var open = application.Services.GetRequiredService<OpenCalls>();
        using var superseded = store?.Superseded.Register(() =>
        {
            open.EndUnless(_ => false); // they would wait for what happens elsewhere now
            application.Lifetime.StopApplication();
        });
        await application.WaitForShutdownAsync(cancellationToken);
        store?.Stop(); // studies that wait for the database would wait for ever
        return store is { Superseded.IsCancellationRequested: true };
    }

    public static void Print(IEnumerable<Problem> problems, CultureInfo language, TextWriter error)
    {
        foreach (var problem in problems)
            error.WriteLine($"{problem.Place}: {problem.Found(language)} {problem.Expected(language)} {problem.Remedy(language)} [{problem.Code}]");
    }

    /// <summary>Prints once where it is reached and how a site joins.</summary>
    public static async Task AnnounceAsync(HostRun run, WebApplication application, CertificateAuthority authority, Registry registry, Tokens tokens)
    {
        var (options, language, output) = (run.Options, run.Language, run.Output);
        var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        run.Port = BindingAddress.Parse(address).Port;
        if (run.Announced) return;
        run.Announced = true;
        var reached = options.ReachedAt(run.Port);
        var code = new JoinCode(reached, authority.Key, registry.JoinSecret(renew: false), options.ThroughProxy);
        registry.Remember("reached-at", reached.AbsoluteUri);
        registry.Remember(Registry.ThroughProxy, options.ThroughProxy ? Registry.Yes : "no");
        LogLines.Listening(application.Logger, address, reached, authority.Key.Fingerprint.ToString());
        string Text(string key, params object?[] arguments) => Texts.Catalog.Text(key, language, arguments);
        await output.WriteLineAsync(Text("serve.listening", address));
        await output.WriteLineAsync(Text("serve.reached", reached));
        await output.WriteLineAsync(Text("serve.fingerprint", authority.Key.Fingerprint));
        await output.WriteLineAsync(options.Key is { } key ? Text("serve.sealed", key.Source) : Text("serve.not-sealed"));
        await output.WriteLineAsync(Text("serve.join", code));
        // Once: a service that is started again asks for the same author again.
        if (options.Author is { } author && !tokens.All.Any(t => t.Name == author && t.Role == CallerRole.Author))
        {
            var (kept, bearer) = tokens.Create(author, CallerRole.Author, null, run.Time.GetUtcNow(), Tokens.DefaultLifetime);
            var whole = new PersonToken(bearer, authority.Key, options.ThroughProxy).Write();
            await output.WriteLineAsync(Text("serve.author", author, kept.ExpiresAt.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), whole));
            await output.WriteLineAsync(Text("serve.submit", reached.GetLeftPart(UriPartial.Authority)));
        }
        await output.WriteLineAsync(Text("serve.next"));
        await output.FlushAsync();
    }

    /// <summary>A host that listens and logs, and serves nothing yet.</summary>
    public static WebApplicationBuilder Builder(HostRun run, ServerCertificate server)
    {
        // Nothing is read from files, and from the environment only addresses and a secret: what else the process does stands in its command line.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => Listen(kestrel, run, server));
        builder.Services.AddRoutingCore().AddSingleton<IMemoryPoolFactory<byte>, ReceiveBlocks>(); // models pass through here: a fifth of the time of a round of 100 M parameters were pieces of 4 KiB
        Log(builder.Logging);
        return builder;
    }

    private static WebApplication Build(
        HostRun run, CoordinatorDatabase database, CertificateAuthority authority, Registry registry, StudyServer studies, ServerCertificate server, CoordinatorTelemetry telemetry)
    {
        var (options, folder, time) = (run.Options, run.Folder, run.Time);
        var builder = Builder(run, server);
        var services = builder.Services;
        services.AddRateLimiter(limiter => Limits.Apply(limiter, options.CallsPerSecond));
        services.AddSingleton(authority).AddSingleton(registry).AddSingleton(time).AddSingleton<OpenCalls>().AddSingleton(new Tokens(database)).AddSingleton(new ReplayGuard(AllowedSkew));
        services.AddSingleton(telemetry).AddSingleton(studies.Disk).AddSingleton<IdentityEndpoints>().AddSingleton(server).AddHostedService<Watchman>();
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true); // CallLog says what is wrong with it
        services.Configure<HostOptions>(host => host.ShutdownTimeout = StopWithin);

        var application = builder.Build();
        studies.Log = application.Logger;
        foreach (var (id, problem) in studies.Unreadable) LogLines.StudyUnreadable(application.Logger, id, problem.Found(CultureInfo.InvariantCulture));
        if (options.ThroughProxy) application.UseForwardedHeaders(Forwarded(options));
        if (options.Queue is not null) application.UseMiddleware<ForwardedCall>();
        application.UseMiddleware<CallLog>();
        application.UseRouting();
        application.UseRateLimiter();
        application.UseMiddleware<CallerMiddleware>();
        application.UseMiddleware<AccessMiddleware>();
        application.MapGet("/healthz", () => Results.Json(new { status = "ok" }));
        application.MapGet("/readyz", () => !folder.IsWritable() ? NotReady("data-unavailable") : !folder.HasRoom() ? NotReady(FullDisk.Code) : studies.Store is { IsThere: false } ? NotReady("store-unavailable") : Results.Json(new { status = "ready" }));
        application.MapGet("/v1/openapi.json", () => Results.Text(OpenApi.Text, "application/json"));
        application.Services.GetRequiredService<IdentityEndpoints>().Map(application);
        application.MapStudies(studies);
        application.MapDeployments(new DeploymentShelf(Path.Combine(options.DataFolder, "deployments"), time, studies.Store?.Deployments));
        AccessTable.Require(((IEndpointRouteBuilder)application).DataSources);
        return application;
    }

    public static IResult NotReady(string code) => Results.Json(new { status = "not-ready", code }, statusCode: StatusCodes.Status503ServiceUnavailable);

    private static void Log(ILoggingBuilder logging)
    {
        logging.SetMinimumLevel(LogLevel.Information).AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical) // why a start failed is said to the operator, once
            .AddJsonConsole(json => (json.UseUtcTimestamp, json.TimestampFormat, json.IncludeScopes) = (true, "O", true))
            .Configure(log => log.ActivityTrackingOptions = ActivityTrackingOptions.TraceId); // one id for a call at all parties
        logging.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }

    private static void Listen(KestrelServerOptions kestrel, HostRun run, ServerCertificate server)
    {
        var options = run.Options;
        kestrel.AddServerHeader = false;
        Limits.Apply(kestrel.Limits);
        kestrel.Listen(run.Port == 0 ? options.Endpoint : new IPEndPoint(options.Endpoint.Address, run.Port), listen => // a replica keeps its port in all its parts
        {
            listen.Protocols = options.Listen.Scheme == Uri.UriSchemeHttps ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
            if (options.Listen.Scheme != Uri.UriSchemeHttps) return;
            listen.UseHttps(https =>
            {
                https.SslProtocols = SslProtocols.Tls13 | SslProtocols.Tls12;
                https.ServerCertificateSelector = (_, _) => server.Current;
                // Optional, and judged per call: a refusal by name teaches more than a handshake that fails.
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                https.ClientCertificateValidation = (_, _, _) => true;
            });
        });
    }

    /// <summary>Whose word on a caller's address is believed.</summary>
    public static ForwardedHeadersOptions Forwarded(ServeOptions options)
    {
        var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor, ForwardLimit = 1 };
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var proxy in options.Proxies) forwarded.KnownProxies.Add(proxy);
        return forwarded;
    }
}

/// <summary>How a command of the coordinator ended.</summary>
internal enum CoordinatorExit
{
    Done = 0,

    /// <summary>The command line can't be used.</summary>
    Usage = 2,

    /// <summary>The address, the folder or what was named can't be had.</summary>
    Unavailable = 4,
}
