using System.Security.Cryptography;
using System.Text.Json;
using Comity.Serving.Releases;

namespace Comity.Serving.Deployments;

/// <summary>What a serving node last did.</summary>
/// <param name="Node">Name of the node.</param>
/// <param name="Market">Its market.</param>
/// <param name="At">When.</param>
/// <param name="Revision">Order that it follows, by model.</param>
/// <param name="State"><c>serving</c>, <c>canary</c>, <c>rolled-back</c> or <c>refused</c>.</param>
/// <param name="Reason">Why it rolled back or refused; a code.</param>
/// <param name="Versions">What is in service there.</param>
public sealed record NodeReport(
    string Node, string Market, DateTimeOffset At, IReadOnlyDictionary<string, long> Revision, string State, string? Reason, IReadOnlyList<Hosting.ServedVersion> Versions);

/// <summary>Orders, releases and reports in a folder that deciders and nodes share, such as a mounted volume or a synchronised directory.</summary>
/// <remarks>
/// <code>
/// orders/NAME.json          the signed order of a model
/// releases/SHA256.comity    releases by digest
/// nodes/NODE.json           what each node last reported
/// </code>
/// Nodes come and look; nobody calls them. Each file appears whole. Nothing here is trusted for lying here: orders and releases are verified by their signatures.
/// </remarks>
public sealed class DeploymentFolder(string root) : IDeploymentSource
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    /// <summary>The folder.</summary>
    public string Root => root;

    Task<IReadOnlyList<string>> IDeploymentSource.NamesAsync(CancellationToken cancellationToken) => Task.FromResult(Names);

    Task<DeploymentOrder?> IDeploymentSource.OrderAsync(string name, TrustedSigners trusted, CancellationToken cancellationToken) => Task.FromResult(Order(name, trusted));

    Task<Release> IDeploymentSource.ReadAsync(string name, OrderedRelease ordered, TrustedSigners trusted, CancellationToken cancellationToken) => Task.FromResult(Read(name, ordered, trusted));

    Task IDeploymentSource.ReportAsync(NodeReport report, CancellationToken cancellationToken)
    {
        Report(report);
        return Task.CompletedTask;
    }

    Task<IReadOnlyList<NodeReport>> IDeploymentSource.ReportsAsync(CancellationToken cancellationToken) => Task.FromResult(Reports());

    Task IDeploymentSource.OrderAsync(DeploymentOrder order, SigningKey key, string releaseFile, string sha256, CancellationToken cancellationToken)
    {
        Add(releaseFile, sha256); // before the order that names it
        Write(order, key);
        return Task.CompletedTask;
    }

    /// <summary>The order of a model; null: there is none.</summary>
    /// <exception cref="ReleaseRefusedException">It is damaged, or signed by somebody not pinned.</exception>
    public DeploymentOrder? Order(string name, TrustedSigners trusted)
    {
        var file = Path.Combine(root, "orders", name + ".json");
        return File.Exists(file) ? DeploymentOrder.Read(File.ReadAllBytes(file), file, trusted) : null;
    }

    /// <summary>Names of the models that have orders.</summary>
    public IReadOnlyList<string> Names => !Directory.Exists(Path.Combine(root, "orders")) ? [] :
        [.. Directory.EnumerateFiles(Path.Combine(root, "orders"), "*.json").Select(f => Path.GetFileNameWithoutExtension(f)).Where(ReleaseManifest.IsName).Order(StringComparer.Ordinal)];

    /// <summary>Puts a signed order where nodes find it.</summary>
    public void Write(DeploymentOrder order, SigningKey key)
    {
        ArgumentNullException.ThrowIfNull(order);
        Whole(Path.Combine(root, "orders", order.Name + ".json"), order.Sign(key));
    }

    /// <summary>Puts an order that was signed elsewhere where nodes find it.</summary>
    /// <param name="name">Name of the model.</param>
    /// <param name="signed">The signed order.</param>
    /// <exception cref="ReleaseRefusedException">The name is none of a model.</exception>
    public void Write(string name, byte[] signed)
    {
        if (!ReleaseManifest.IsName(name)) throw new ReleaseRefusedException(Messages.Problem("order-damaged", Declarations.Place.InFile(root)));
        Whole(Path.Combine(root, "orders", name + ".json"), signed);
    }

    /// <summary>Whether a release is here.</summary>
    public bool Has(string sha256) => File.Exists(ReleaseFile(sha256));

    /// <summary>Where a release of a digest lies, or is to lie.</summary>
    /// <exception cref="ReleaseRefusedException">It is no digest.</exception>
    public string PathOf(string sha256)
    {
        Directory.CreateDirectory(Path.Combine(root, "releases"));
        return ReleaseFile(sha256);
    }

    /// <summary>Copies a release here, under its digest.</summary>
    public void Add(string file, string sha256)
    {
        var path = ReleaseFile(sha256);
        if (!File.Exists(path)) Whole(path, File.ReadAllBytes(file));
    }

    /// <summary>Opens an ordered release.</summary>
    /// <exception cref="ReleaseRefusedException">It is not the ordered one, or not to be trusted.</exception>
    public Release Read(string name, OrderedRelease ordered, TrustedSigners trusted)
    {
        ArgumentNullException.ThrowIfNull(ordered);
        var file = ReleaseFile(ordered.Sha256);
        var release = Release.Read(file, trusted);
        return release.Sha256 == ordered.Sha256 && release.Manifest.Name == name && release.Manifest.Version == ordered.Version
            ? release
            : throw new ReleaseRefusedException(Messages.Problem("order-other-release", Declarations.Place.InFile(file), $"{name}@{ordered.Version}"));
    }

    /// <summary>Tells what a node did.</summary>
    public void Report(NodeReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        Whole(Path.Combine(root, "nodes", report.Node + ".json"), JsonSerializer.SerializeToUtf8Bytes(report, Options));
    }

    /// <summary>What the nodes reported, by market and name.</summary>
    public IReadOnlyList<NodeReport> Reports()
    {
        var folder = Path.Combine(root, "nodes");
        if (!Directory.Exists(folder)) return [];
        var reports = new List<NodeReport>();
        foreach (var file in Directory.EnumerateFiles(folder, "*.json"))
        {
            try
            {
                if (JsonSerializer.Deserialize<NodeReport>(File.ReadAllBytes(file), Options) is { } report) reports.Add(report);
            }
            catch (JsonException)
            {
                // A report is a courtesy; one that can't be read is as good as none.
            }
        }
        return [.. reports.OrderBy(r => r.Market, StringComparer.Ordinal).ThenBy(r => r.Node, StringComparer.Ordinal)];
    }

    private string ReleaseFile(string sha256) => sha256.Length == 64 && sha256.All(char.IsAsciiHexDigitLower)
        ? Path.Combine(root, "releases", sha256 + ".comity")
        : throw new ReleaseRefusedException(Messages.Problem("order-damaged", Declarations.Place.InFile(root)));

    private static void Whole(string path, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var beside = $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}.unfinished";
        using (var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write))
        {
            stream.Write(bytes);
            stream.Flush(flushToDisk: true);
        }
        File.Move(beside, path, overwrite: true);
    }
}
