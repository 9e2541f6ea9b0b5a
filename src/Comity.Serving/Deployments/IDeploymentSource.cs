using Comity.Serving.Releases;

namespace Comity.Serving.Deployments;

/// <summary>Where orders, releases and reports are exchanged: a folder that is shared, or a coordinator. Neither is trusted for what it hands out.</summary>
public interface IDeploymentSource
{
    /// <summary>Names of the models that have orders.</summary>
    Task<IReadOnlyList<string>> NamesAsync(CancellationToken cancellationToken);

    /// <summary>The order of a model; null: there is none.</summary>
    /// <exception cref="ReleaseRefusedException">It is damaged, or signed by somebody not pinned.</exception>
    Task<DeploymentOrder?> OrderAsync(string name, TrustedSigners trusted, CancellationToken cancellationToken);

    /// <summary>Opens an ordered release.</summary>
    /// <exception cref="ReleaseRefusedException">It is not the ordered one, or not to be trusted.</exception>
    /// <exception cref="IOException">It can't be had now.</exception>
    Task<Release> ReadAsync(string name, OrderedRelease ordered, TrustedSigners trusted, CancellationToken cancellationToken);

    /// <summary>Tells what a node did.</summary>
    Task ReportAsync(NodeReport report, CancellationToken cancellationToken);

    /// <summary>What the nodes reported, by market and name.</summary>
    Task<IReadOnlyList<NodeReport>> ReportsAsync(CancellationToken cancellationToken);

    /// <summary>Hands an order in, with the release that it brings.</summary>
    /// <param name="order">The order, one revision above the one that it was made from.</param>
    /// <param name="key">Signs it.</param>
    /// <param name="releaseFile">The release.</param>
    /// <param name="sha256">Its digest (hex).</param>
    /// <param name="cancellationToken">Stops it.</param>
    Task OrderAsync(DeploymentOrder order, SigningKey key, string releaseFile, string sha256, CancellationToken cancellationToken);
}
