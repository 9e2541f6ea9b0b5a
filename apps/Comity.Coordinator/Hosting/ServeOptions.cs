using System.Net;
using Comity.Declarations;
using Comity.Transport.Queues;
using Comity.Transport.Stores;

namespace Comity.Coordinator.Hosting;

/// <summary>Where the coordinator listens, how others reach it, and where it keeps its state.</summary>
/// <param name="Listen">Address; port 0 lets the system choose.</param>
/// <param name="Endpoint">The IP and port of <paramref name="Listen"/>.</param>
/// <param name="Public">The address that sites dial, as join codes carry it; null: <paramref name="Listen"/> with this machine's name.</param>
/// <param name="Proxies">Proxies at which TLS ends, and whose word on a caller's address is believed; empty: TLS ends here.</param>
/// <param name="DataFolder">Absolute path.</param>
internal sealed record ServeOptions(Uri Listen, IPEndPoint Endpoint, Uri? Public, IReadOnlyList<IPAddress> Proxies, string DataFolder)
{
    /// <summary>The variable that holds <see cref="ReplicaSecret"/>.</summary>
    public const string SecretVariable = "COMITY_REPLICA_SECRET";

    /// <summary>What the sites of a small federation on one machine, or behind one router, don't reach in their fastest rounds.</summary>
    public const int DefaultCallsPerSecond = 2000;

    private const int ShortestSecret = 32;

    /// <summary>Where OpenTelemetry is sent; null: nowhere.</summary>
    public Uri? Otlp { get; init; }

    /// <summary>The database in which the state lies; null: it lies in <see cref="DataFolder"/>.</summary>
    public StoreAddress? Store { get; init; }

    /// <summary>What opens the state; null: nothing was given.</summary>
    public Federation.AtRest.StateKey? Key { get; init; }

    /// <summary>The broker that names the replica that drives the studies; null: this coordinator is alone.</summary>
    public QueueAddress? Queue { get; init; }

    /// <summary>Where the other replicas reach this one; null: <see cref="Listen"/> with this machine's name.</summary>
    public Uri? ReplicaAddress { get; init; }

    /// <summary>What the authority's key is sealed with in the store that replicas share.</summary>
    public string? ReplicaSecret { get; init; }

    /// <summary>Calls a second from one address, on average; four times as many at once.</summary>
    public int CallsPerSecond { get; init; } = DefaultCallsPerSecond;

    /// <summary>An author for whom a token is made and printed, unless there is one of the name; null: none.</summary>
    public string? Author { get; init; }

    /// <summary>Whether TLS ends at a proxy.</summary>
    public bool ThroughProxy => Proxies.Count > 0;

    /// <summary>Reads the options; null with problems where they can't be used.</summary>
    public static ServeOptions? Read(string listen, string? @public, IReadOnlyList<string> proxies, string dataFolder, ProblemList problems)
    {
        IPAddress? address = null;
        Uri? reachedAt = null;
        var known = new List<IPAddress>();
        foreach (var proxy in proxies)
        {
            if (IPAddress.TryParse(proxy, out var one)) known.Add(one);
            else problems.Add(Texts.Problem("proxy-unreadable", "--proxy", proxy));
        }
        if (!Uri.TryCreate(listen, UriKind.Absolute, out var uri) || uri.AbsolutePath != "/" || uri.Query.Length > 0 || uri.Scheme is not ("http" or "https") || !IsAddress(uri.Host, out address))
            problems.Add(Texts.Problem("listen-unreadable", "--listen", listen));
        else if (uri.Scheme == Uri.UriSchemeHttp && proxies.Count == 0)
            problems.Add(Texts.Problem("listen-without-tls", "--listen", listen));
        if (@public is not null && (!Uri.TryCreate(@public, UriKind.Absolute, out reachedAt) || reachedAt.Scheme != Uri.UriSchemeHttps || reachedAt.AbsolutePath != "/" || reachedAt.Query.Length > 0))
            problems.Add(Texts.Problem("address-unreadable", "--address", @public));
        if (@public is null && proxies.Count > 0)
            problems.Add(Texts.Problem("address-missing", "--address"));
        if (File.Exists(dataFolder))
            problems.Add(Texts.Problem("data-not-a-folder", "--data", dataFolder));
        return problems.HasErrors ? null : new(uri!, new(address!, uri!.Port), reachedAt, known, dataFolder);
    }

    /// <summary>The address that sites dial.</summary>
    /// <param name="port">The port that was taken.</param>
    public Uri ReachedAt(int port)
    {
        if (Public is not null) return Public;
        var host = Endpoint.Address.Equals(IPAddress.Any) || Endpoint.Address.Equals(IPAddress.IPv6Any) ? Dns.GetHostName() : Listen.Host;
        return new UriBuilder(Uri.UriSchemeHttps, host, port).Uri;
    }

    /// <summary>Adds what makes this coordinator one of several replicas.</summary>
    /// <param name="queue">The broker.</param>
    /// <param name="replicaAddress">Where the others reach this one; null: chosen.</param>
    /// <param name="secret">What the authority's key is sealed with.</param>
    /// <param name="problems">Takes what is missing.</param>
    public ServeOptions AsReplica(QueueAddress queue, string? replicaAddress, string? secret, ProblemList problems)
    {
        Uri? at = null;
        if (Store is null) problems.Add(Texts.Problem("queue-without-store", queue.Where, queue.Shown));
        if (Public is null) problems.Add(Texts.Problem("queue-without-address", "--address"));
        if (secret is null or { Length: < ShortestSecret }) problems.Add(Texts.Problem("queue-without-secret", SecretVariable));
        if (replicaAddress is not null && (!Uri.TryCreate(replicaAddress, UriKind.Absolute, out at) || at.Scheme != Listen.Scheme || at.AbsolutePath != "/" || at.Query.Length > 0))
            problems.Add(Texts.Problem("replica-address-unreadable", "--replica-address", replicaAddress));
        return this with { Queue = queue, ReplicaAddress = at, ReplicaSecret = secret };
    }

    /// <summary>The address at which other replicas reach this one.</summary>
    /// <param name="port">The port that was taken.</param>
    public Uri ReplicaAt(int port) => ReplicaAddress ?? new UriBuilder(Listen.Scheme, Endpoint.Address.Equals(IPAddress.Any) || Endpoint.Address.Equals(IPAddress.IPv6Any) ? Dns.GetHostName() : Listen.Host, port).Uri;

    private static bool IsAddress(string host, out IPAddress? address)
    {
        address = IPAddress.Loopback;
        return host == "localhost" || IPAddress.TryParse(host.Trim('[', ']'), out address);
    }
}
