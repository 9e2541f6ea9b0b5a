using System.Net;
using System.Net.Sockets;
using System.Text;
using Comity.Coordinator.Access;
using Comity.Coordinator.Identity;
using Comity.Coordinator.Storage;
using Comity.EndToEnd.Tests;
using Comity.Transport.Clients;
using Comity.Transport.Identity;
using Comity.Transport.Protocol;
using Comity.Transport.Stores;

namespace Comity.Benchmarks.Wire;

/// <summary>A coordinator as a process over TLS on loopback, with members that were approved as an operator's command would.</summary>
internal sealed class WireFederation : IAsyncDisposable
{
    private readonly List<IDisposable> _held = [];
    private readonly int _port = FreePort();
    private string _token = "";

    private readonly string? _store;
    private readonly string? _queue;
    private readonly int[] _replicaPorts = [FreePort(), FreePort()];
    private Balancer? _balancer;

    private WireFederation(string folder, string? store, string? queue) => (Folder, _store, _queue) = (folder, store, queue);

    public string Folder { get; }

    public ChildProcess Coordinator { get; private set; } = null!;

    public JoinCode Code { get; private set; } = null!;

    public Uri Address => Code.Coordinator;

    public StudyClient Author { get; private set; } = null!;

    /// <summary>Starts a coordinator in an empty folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="store">Address of the database in which its state lies; null: it lies in the folder.</param>
    /// <param name="queue">Address of the broker by which two replicas agree; null: one coordinator.</param>
    public static async Task<WireFederation> StartAsync(string folder, string? store = null, string? queue = null)
    {
        var federation = new WireFederation(folder, store, queue);
        Directory.CreateDirectory(folder);
        if (queue is null) federation.StartCoordinator();
        else await federation.StartReplicasAsync();
        await federation.Coordinator.SaysAsync("A site joins");
        federation.Code = JoinCode.Parse(federation.Coordinator.Said.Split("Join code: ")[1].Split('\n')[0])!;
        using var opened = federation.Store();
        using var database = federation.Identity(opened);
        federation._token = new Tokens(database).Create("bench", CallerRole.Operator, null, TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(1)).Whole;
        federation.Author = new StudyClient(federation.Hold(federation.AuthorHttp()), TimeProvider.System);
        return federation;
    }

    public string At(params ReadOnlySpan<string> parts) => Path.Combine([Folder, .. parts]);

    /// <summary>Starts the coordinator's process, with the state and the port that it had.</summary>
    public void StartCoordinator() => Coordinator = ChildProcess.Start("comity-coordinator.dll", Folder,
        ["serve", "--data", At("coordinator"), "--listen", $"https://127.0.0.1:{_port}", "--calls-per-second", "1000000", "--lang", "en"],
        _store is null ? null : new Dictionary<string, string> { [StoreAddress.Variable] = _store });

    /// <summary>The replicas' processes; empty where there is one coordinator.</summary>
    public ChildProcess[] Replicas { get; private set; } = [];

    /// <summary>Which replica is reached at an address.</summary>
    public int ReplicaAt(Uri address) => Array.IndexOf(_replicaPorts, address.Port);

    /// <summary>Starts a replica's process, with the folder and the port that it had.</summary>
    public void StartReplica(int index) => Replicas[index] = ChildProcess.Start("comity-coordinator.dll", Folder,
        ["serve", "--data", ReplicaFolder(index), "--listen", $"https://127.0.0.1:{_replicaPorts[index]}", "--address", $"https://127.0.0.1:{_balancer!.Port}", "--calls-per-second", "1000000", "--lang", "en"],
        new Dictionary<string, string> { [StoreAddress.Variable] = _store!, ["COMITY_QUEUE"] = _queue!, ["COMITY_REPLICA_SECRET"] = "of this run, and long enough to be one" });

    /// <summary>The folder of a replica.</summary>
    public string ReplicaFolder(int index) => At(index == 0 ? "coordinator" : $"coordinator-{index}");

    /// <summary>A connection of its own for the author's calls.</summary>
    public HttpClient AuthorHttp() => Http(new() { Address = Address, Authority = Code.Authority, Token = _token });

    private async Task StartReplicasAsync()
    {
        _balancer = new(_replicaPorts);
        Replicas = new ChildProcess[_replicaPorts.Length];
        for (var i = 0; i < Replicas.Length; i++) StartReplica(i);
        foreach (var replica in Replicas) await replica.SaysAsync("A site joins");
        Coordinator = Replicas[0];
    }

    /// <summary>Makes members, each with its key in a state folder of its own.</summary>
    /// <param name="names">The sites.</param>
    /// <param name="through">Port of a proxy that they dial; null: the coordinator's.</param>
    public void Join(IEnumerable<string> names, Func<string, int?>? through = null)
    {
        using var opened = Store();
        using var database = Identity(opened);
        using var authority = CertificateAuthority.OpenOrMake(At("coordinator"), TimeProvider.System);
        var registry = new Registry(database, authority, TimeProvider.System);
        foreach (var name in names)
        {
            using var site = SiteIdentity.OpenOrMake(StateOf(name));
            var pinned = PinnedCoordinator.Of(Code);
            site.Pin(through?.Invoke(name) is { } port ? pinned with { Address = new UriBuilder(pinned.Address) { Port = port }.Uri } : pinned);
            registry.Ask(new(name, CallerRole.Site, site.Fingerprint.Plain, site.SigningRequest(name), "", TimeProvider.System.GetUtcNow()));
            var member = registry.Approve(registry.AskedBy(site.Fingerprint.Plain)!);
            if (!site.Take(member.Certificate, TimeProvider.System.GetUtcNow())) throw new InvalidOperationException($"{name} does not take its certificate.");
        }
    }

    public string StateOf(string site) => At("sites", site);

    /// <summary>A connection of its own that signs as a site.</summary>
    public HttpClient Connect(string site)
    {
        var identity = Hold(SiteIdentity.OpenOrMake(StateOf(site)));
        return Hold(Http(identity.Connection(site, null)!));
    }

    /// <summary>Hands a study in.</summary>
    public Task<StudyView> SubmitAsync(string id, string yaml, StudyPlan plan) =>
        Author.SubmitAsync(new(id, "study.yaml", Convert.ToBase64String(Encoding.UTF8.GetBytes(yaml)), plan), default);

    /// <summary>Hands a study file in by the author's tool, again and again while the coordinator is being started.</summary>
    /// <returns>The study's id.</returns>
    public async Task<string> SubmitAsync(string file)
    {
        for (var tries = 1; ; tries++)
        {
            await using var submit = ChildProcess.Start("comity.dll", Folder, ["submit", file, "--lang", "en"],
                new Dictionary<string, string> { ["COMITY_TOKEN"] = _token, ["COMITY_COORDINATOR"] = Code.ToString() });
            while (!submit.HasExited) await Task.Delay(20);
            await Task.Delay(50); // the last lines are still on their way
            if (submit.Said.Contains("Its id: ", StringComparison.Ordinal)) return submit.Said.Split("Its id: ")[1].Split('\n')[0].Trim();
            if (tries == 10) throw new InvalidOperationException(submit.Said);
        }
    }

    /// <summary>Waits for a study's end, whatever becomes of the connection in between; null: it did not come.</summary>
    public async Task<StudyView?> EndAsync(string id, double seconds)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (!limit.IsCancellationRequested)
        {
            try
            {
                var view = await Author.ViewAsync(id, 0, TimeSpan.Zero, limit.Token);
                if (view.State is StudyState.Done or StudyState.Stopped or StudyState.Cancelled) return view;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException or WireException or OperationCanceledException)
            {
                // It is being started again.
            }
            await Task.Delay(50);
        }
        return null;
    }

    public T Hold<T>(T disposable) where T : IDisposable
    {
        _held.Add(disposable);
        return disposable;
    }

    public async ValueTask DisposeAsync()
    {
        if (Replicas.Length == 0) await Coordinator.DisposeAsync();
        foreach (var replica in Replicas) await replica.DisposeAsync();
        if (_balancer is not null) await _balancer.DisposeAsync();
        for (var i = _held.Count - 1; i >= 0; i--) _held[i].Dispose();
    }

    private PostgresStore? Store() => _store is null ? null : PostgresStore.Open(StoreAddress.Read(_store, StoreAddress.Variable, "comity-coordinator", [])!);

    private CoordinatorDatabase Identity(PostgresStore? store) => store is null ? CoordinatorDatabase.Open(At("coordinator")) : CoordinatorDatabase.Of(store);

    private HttpClient Http(CoordinatorConnection connection) => CoordinatorHttp.Connect(connection, TimeProvider.System);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
