using System.Security.Cryptography;
using System.Text.Json;
using Comity.Coordinator.Identity;
using Comity.Transport.Deployments;

namespace Comity.Coordinator.Deployments;

/// <summary>Orders, releases and reports in the coordinator's data folder. It keeps and hands on; it reads none of them.</summary>
/// <remarks>
/// <code>
/// deployments/orders/NAME.json          the signed order of a model, as it was handed in
/// deployments/releases/SHA256.comity    releases by digest
/// deployments/nodes/NODE.json           what each node last told
/// </code>
/// Orders and releases are signed by people whom the nodes trust, and are verified there: a coordinator that changed one would be noticed, not followed.
/// </remarks>
internal sealed class DeploymentShelf
{
    private readonly string _root;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = New();
    private long _change;

    public DeploymentShelf(string root, TimeProvider time)
    {
        (_root, _time) = (root, time);
        // Another number after each start: a node that waits for a change must not take an earlier start's number for this one's.
        _change = time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var folder in new[] { "orders", "releases", "nodes" }) Directory.CreateDirectory(Path.Combine(root, folder));
    }

    /// <summary>All orders, once there is a change after the one that is known, or the time is over.</summary>
    public async Task<OrderListing> OrdersAsync(long after, TimeSpan wait, CancellationToken cancellationToken)
    {
        Task changed;
        lock (_gate)
        {
            if (after != _change || wait <= TimeSpan.Zero) return Listing();
            changed = _changed.Task;
        }
        await changed.WaitAsync(wait, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate) return Listing();
    }

    /// <summary>The file of an order; null: there is none.</summary>
    public string? OrderFile(string name) => Member.IsName(name) && File.Exists(OrderPath(name)) ? OrderPath(name) : null;

    /// <summary>Takes an order in the place of the one that it was made from.</summary>
    /// <param name="name">Name of the model.</param>
    /// <param name="signed">The signed order.</param>
    /// <param name="replaces">Digest (hex) of the order that it was made from; null: there was none.</param>
    /// <returns>False: another order stands there by now.</returns>
    public bool Replace(string name, byte[] signed, string? replaces)
    {
        lock (_gate)
        {
            var present = OrderFile(name) is { } file ? Digest(File.ReadAllBytes(file)) : null;
            if (present == Digest(signed)) return true; // handed in twice
            if (present != replaces) return false;
            Whole(OrderPath(name), signed);
            _change++;
            var waiting = _changed;
            _changed = New();
            waiting.SetResult();
            return true;
        }
    }

    /// <summary>The file of a release; null: it is not here.</summary>
    public string? ReleaseFile(string sha256) => IsDigest(sha256) && File.Exists(ReleasePath(sha256)) ? ReleasePath(sha256) : null;

    /// <summary>Digests of the releases that are here.</summary>
    public ReleaseListing Releases() => new([.. Directory.EnumerateFiles(Path.Combine(_root, "releases"), "*.comity").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)]);

    /// <summary>Takes a release while it arrives; it is there whole or not at all.</summary>
    /// <returns>False: what arrived has another digest.</returns>
    public async Task<bool> TakeReleaseAsync(string sha256, Stream body, CancellationToken cancellationToken)
    {
        var beside = $"{ReleasePath(sha256)}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}.unfinished";
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            await using (var file = new FileStream(beside, FileMode.CreateNew, FileAccess.Write))
            {
                var part = new byte[1 << 18];
                int read;
                while ((read = await body.ReadAsync(part, cancellationToken)) > 0)
                {
                    hash.AppendData(part, 0, read);
                    await file.WriteAsync(part.AsMemory(0, read), cancellationToken);
                }
                file.Flush(flushToDisk: true);
            }
            if (Convert.ToHexStringLower(hash.GetHashAndReset()) != sha256) return false;
            File.Move(beside, ReleasePath(sha256), overwrite: true);
            return true;
        }
        finally
        {
            File.Delete(beside);
        }
    }

    /// <summary>Files what a node tells of itself.</summary>
    public void Report(string node, JsonElement report) => Whole(Path.Combine(_root, "nodes", node + ".json"), JsonSerializer.SerializeToUtf8Bytes(new NodeEntry(node, _time.GetUtcNow(), report), JsonSerializerOptions.Web));

    /// <summary>What all nodes last told, by name.</summary>
    public NodeListing Nodes() => new([.. Directory.EnumerateFiles(Path.Combine(_root, "nodes"), "*.json").Order(StringComparer.Ordinal).Select(f => JsonSerializer.Deserialize<NodeEntry>(File.ReadAllBytes(f), JsonSerializerOptions.Web)!)]);

    public static bool IsDigest(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    private OrderListing Listing() => new(_change, [.. Directory.EnumerateFiles(Path.Combine(_root, "orders"), "*.json").Order(StringComparer.Ordinal).Select(f => new OrderEntry(Path.GetFileNameWithoutExtension(f), Digest(File.ReadAllBytes(f))))]);

    private string OrderPath(string name) => Path.Combine(_root, "orders", name + ".json");

    private string ReleasePath(string sha256) => Path.Combine(_root, "releases", sha256 + ".comity");

    private static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static void Whole(string path, byte[] bytes)
    {
        using (var stream = new FileStream(path + ".unfinished", FileMode.Create, FileAccess.Write))
        {
            stream.Write(bytes);
            stream.Flush(flushToDisk: true);
        }
        File.Move(path + ".unfinished", path, overwrite: true);
    }
}
