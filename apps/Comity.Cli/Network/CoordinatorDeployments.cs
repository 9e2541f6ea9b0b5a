using System.Security.Cryptography;
using System.Text.Json;
using Comity.Cli.Sites;
using Comity.Serving.Deployments;
using Comity.Serving.Releases;
using Comity.Transport.Clients;
using Comity.Transport.Deployments;
using Comity.Transport.Protocol;

namespace Comity.Cli.Network;

/// <summary>Orders and releases that a coordinator carries, mirrored into a folder: a node whose coordinator is away goes on with what it has, also after a restart.</summary>
/// <param name="client">The connection.</param>
/// <param name="mirror">What was fetched so far.</param>
/// <param name="wait">How long one look waits for a change.</param>
/// <param name="time">The clock.</param>
internal sealed class CoordinatorDeployments(DeploymentClient client, DeploymentFolder mirror, TimeSpan wait, TimeProvider time) : IDeploymentSource
{
    private readonly Dictionary<string, string> _digests = new(StringComparer.Ordinal);
    private long _change;

    /// <summary>Fetches what is new.</summary>
    /// <exception cref="WireException">The coordinator refused.</exception>
    public async Task SynchroniseAsync(CancellationToken cancellationToken)
    {
        var listing = await client.OrdersAsync(_change, wait, cancellationToken);
        foreach (var order in listing.Orders.Where(o => _digests.GetValueOrDefault(o.Name) != o.Sha256))
        {
            var signed = await client.OrderAsync(order, cancellationToken);
            mirror.Write(order.Name, signed);
            _digests[order.Name] = Convert.ToHexStringLower(SHA256.HashData(signed));
        }
        _change = listing.Change;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> NamesAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SynchroniseAsync(cancellationToken);
        }
        catch (Exception e) when (CoordinatorProblems.MayPass(e) || e is WireException)
        {
            await Task.Delay(wait, time, cancellationToken); // what was fetched before is served on
        }
        return mirror.Names;
    }

    /// <inheritdoc/>
    public Task<DeploymentOrder?> OrderAsync(string name, TrustedSigners trusted, CancellationToken cancellationToken) => Task.FromResult(mirror.Order(name, trusted));

    /// <inheritdoc/>
    public async Task<Release> ReadAsync(string name, OrderedRelease ordered, TrustedSigners trusted, CancellationToken cancellationToken)
    {
        try
        {
            if (!mirror.Has(ordered.Sha256)) await client.FetchReleaseAsync(ordered.Sha256, mirror.PathOf(ordered.Sha256), cancellationToken);
        }
        catch (Exception e) when (e is WireException or InvalidDataException || CoordinatorProblems.MayPass(e))
        {
            throw new IOException(e.Message, e);
        }
        return mirror.Read(name, ordered, trusted);
    }

    /// <inheritdoc/>
    public async Task ReportAsync(NodeReport report, CancellationToken cancellationToken)
    {
        try
        {
            await client.ReportAsync(report, cancellationToken);
        }
        catch (Exception e) when (CoordinatorProblems.MayPass(e) || e is WireException)
        {
            // The next report says the same and more.
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<NodeReport>> ReportsAsync(CancellationToken cancellationToken)
    {
        var reports = new List<NodeReport>();
        foreach (var node in (await client.NodesAsync(cancellationToken)).Nodes)
        {
            try
            {
                if (node.Report.Deserialize<NodeReport>(WireJson.Options) is { } report) reports.Add(report with { Node = node.Node, At = node.Received });
            }
            catch (JsonException)
            {
                // Of another version of the software, or nonsense: the other nodes' reports are no worse for it.
            }
        }
        return [.. reports.OrderBy(r => r.Market, StringComparer.Ordinal).ThenBy(r => r.Node, StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public async Task OrderAsync(DeploymentOrder order, SigningKey key, string releaseFile, string sha256, CancellationToken cancellationToken)
    {
        await client.PutReleaseAsync(releaseFile, sha256, cancellationToken); // before the order that names it
        await client.PutOrderAsync(order.Name, order.Sign(key), _digests.GetValueOrDefault(order.Name), cancellationToken);
    }
}
