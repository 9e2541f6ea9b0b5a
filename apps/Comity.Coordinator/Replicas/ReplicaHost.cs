using Comity.Coordinator.Access;
using Comity.Coordinator.Hosting;
using Comity.Coordinator.Identity;
using Comity.Coordinator.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Npgsql;

namespace Comity.Coordinator.Replicas;

/// <summary>One of several coordinators over one store: follows until the queue names it, drives until another has taken over, and follows again.</summary>
/// <remarks>
/// <code>
///             named by the queue: epoch + 1
///  Following ───────────────────────────────► Driving
///      ▲                                         │
///      └──── another has raised the epoch ───────┘      (the process lives on; nobody starts anything)
/// </code>
/// </remarks>
internal static class ReplicaHost
{
    private static readonly TimeSpan EndWithin = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan GiveWayFor = TimeSpan.FromSeconds(2);

    /// <summary>Serves until it is asked to stop.</summary>
    /// <exception cref="StoreRefusedException">Store, broker or secret can't be used.</exception>
    public static async Task ServeAsync(HostRun run, CancellationToken cancellationToken)
    {
        var options = run.Options;
        var log = run.Logs.CreateLogger(typeof(ReplicaHost).FullName!);
        using var store = PostgresStore.Open(options.Store!);
        using var database = CoordinatorDatabase.Of(store);
        StoreMark.MatchVault(options.DataFolder, store, database, run.Vault);
        using var authority = SharedAuthority.Open(run, store, database);
        var registry = new Registry(database, authority, run.Time);
        StoreMark.Leave(options.DataFolder, store, database, registry, authority, run.Vault);
        using var server = new ServerCertificate(authority, options, run.Time);
        await using var queue = await DrivingQueue.JoinAsync(options.Queue!, authority.Key.Fingerprint.Plain, log);
        while (!cancellationToken.IsCancellationRequested)
        {
            if (!await FollowAsync(run, store, authority, registry, new Tokens(database), server, queue, cancellationToken)) return;
            try
            {
                using var leading = PostgresStore.LeadNamed(options.Store!, run.ReplicaAddress, run.Time, log, cancellationToken);
                using var identity = CoordinatorDatabase.Of(leading);
                if (!await CoordinatorHost.LeadAsync(run, leading, identity, authority, cancellationToken)) return;
                LogLines.StoreSuperseded(log, leading.Address.Shown, leading.Epoch);
            }
            catch (Exception e) when (e is StoreRefusedException or StoreUnavailableException or StaleEpochException or NpgsqlException or IOException)
            {
                // Perhaps it can be led from another machine: the queue names that one next.
                LogLines.GaveWay(log, e is StoreRefusedException refused ? refused.Problem.ToString() : e.Message);
                await Task.Delay(GiveWayFor, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            queue.GiveWay();
        }
    }

    /// <summary>Hands calls on until this replica is named; false: it was asked to stop.</summary>
    private static async Task<bool> FollowAsync(HostRun run, PostgresStore store, CertificateAuthority authority, Registry registry, Tokens tokens, ServerCertificate server, DrivingQueue queue, CancellationToken cancellationToken)
    {
        await using var watch = new DriverWatch(store);
        using var forwarder = new Forwarder(authority, watch, run.Time);
        var builder = CoordinatorHost.Builder(run, server);
        builder.Services.AddRateLimiter(limiter => Limits.Apply(limiter, run.Options.CallsPerSecond));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = EndWithin); // who is handed on calls again
        builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxRequestBodySize = null); // how long a body may be is the driver's to say: here it only passes
        await using var application = builder.Build();
        if (run.Options.ThroughProxy) application.UseForwardedHeaders(CoordinatorHost.Forwarded(run.Options));
        application.UseRateLimiter();
        application.Run(context => context.Request.Path.Value switch
        {
            "/healthz" => Results.Json(new { status = "ok" }).ExecuteAsync(context),
            // One that can hand on, or take over, is worth calling.
            "/readyz" => (run.Folder.IsWritable() ? watch.IsThere ? Results.Json(new { status = "ready" }) : CoordinatorHost.NotReady("store-unavailable") : CoordinatorHost.NotReady("data-unavailable")).ExecuteAsync(context),
            _ => forwarder.ForwardAsync(context),
        });
        await application.StartAsync(cancellationToken);
        await CoordinatorHost.AnnounceAsync(run, application, authority, registry, tokens);
        LogLines.Following(application.Logger);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, application.Lifetime.ApplicationStopping);
        try
        {
            await queue.NamedAsync(stopping.Token);
        }
        catch (OperationCanceledException)
        {
            await EndAsync(application);
            return false;
        }
        await watch.DisposeAsync(); // calls on their way end
        await EndAsync(application);
        return true;
    }

    private static async Task EndAsync(WebApplication application)
    {
        try
        {
            await application.StopAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is OperationCanceledException or AggregateException)
        {
            // Calls were still under way after the time that they are given: they are cut, and made again.
        }
    }
}
