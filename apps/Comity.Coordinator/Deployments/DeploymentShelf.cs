using System.Security.Cryptography;
using System.Text.Json;
using Comity.Coordinator.Identity;
using Comity.Federation.Stores;
using Comity.Transport.Deployments;

namespace Comity.Coordinator.Deployments;

/// <summary>Orders, releases and reports in the coordinator's data folder, and in its store where it has one. It keeps and hands on; it reads none of them.</summary>
/// <remarks>
/// <code>
/// deployments/orders/NAME.json          the signed order of a model, as it was handed in
/// deployments/releases/SHA256.comity    releases by digest
/// deployments/nodes/NODE.json           what each node last told
/// </code>
/// Orders and releases are signed by people whom the nodes trust, and are verified there: a coordinator that changed one would be noticed, not followed.
/// With a store the files are copies, so that whoever leads next hands out the same: each is in the store before it is here, and releases are fetched when a node asks.
/// </remarks>
internal sealed class DeploymentShelf
{
    private const string Orders = "orders";
    private const string ReleaseFolder = "releases";
    private const string NodeFolder = "nodes";
    private const string Unfinished = ".unfinished";

    private readonly string _root;
    private readonly TimeProvider _time;
    private readonly IBodyStore? _store;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _fetching = new(1);
    private TaskCompletionSource _changed = New();
    private long _change;

    /// <param name="root">The folder.</param>
    /// <param name="time">The clock.</param>
    /// <param name="store">Where it is kept for whoever leads next; null: the folder is all there is.</param>
    public DeploymentShelf(string root, TimeProvider time, IBodyStore? store = null)
    {
        (_root, _time, _store) = (root, time, store);
        // Another number after each start: a node that waits for a change must not take an earlier start's number for this one's.
        _change = time.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var folder in new[] { Orders, ReleaseFolder, NodeFolder }) Directory.CreateDirectory(Path.Combine(root, folder));
        if (store is not null) Gather(store);
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
    public string? OrderFile(string name) => Member.IsName(name) && Path.Combine(_root, OrderName(name)) is var path && File.Exists(path) ? path : null;

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
            Whole(OrderName(name), signed);
            _change++;
            var waiting = _changed;
            _changed = New();
            waiting.SetResult();
            return true;
        }
    }

    /// <summary>The file of a release; null: it is not here.</summary>
    public async Task<string?> ReleaseFileAsync(string sha256, CancellationToken cancellationToken)
    {
        if (!IsDigest(sha256)) return null;
        var path = Path.Combine(_root, ReleaseName(sha256));
        if (File.Exists(path)) return path;
        if (_store is null) return null;
        await _fetching.WaitAsync(cancellationToken); // nodes that ask at the same moment wait for one copy
        try
        {
            return File.Exists(path) || await Task.Run(() => _store.Fetch(ReleaseName(sha256), path), cancellationToken) ? path : null;
        }
        finally
        {
            _fetching.Release();
        }
    }

    /// <summary>Digests of the releases that are here.</summary>
    public ReleaseListing Releases()
    {
        var names = _store?.List(ReleaseFolder + "/").Select(kept => kept.Key) ?? Directory.EnumerateFiles(Path.Combine(_root, ReleaseFolder), "*.comity");
        return new([.. names.Select(n => Path.GetFileNameWithoutExtension(n)!).Order(StringComparer.Ordinal)]);
    }

    /// <summary>Takes a release while it arrives; it is there whole or not at all.</summary>
    /// <returns>False: what arrived has another digest.</returns>
    public async Task<bool> TakeReleaseAsync(string sha256, Stream body, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_root, ReleaseName(sha256));
        var beside = $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}{Unfinished}";
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
            if (_store is not null) await Task.Run(() => _store.Keep(ReleaseName(sha256), beside, ""), cancellationToken);
            File.Move(beside, path, overwrite: true);
            return true;
        }
        finally
        {
            File.Delete(beside);
        }
    }

    /// <summary>Files what a node tells of itself.</summary>
    public void Report(string node, JsonElement report) => Whole($"{NodeFolder}/{node}.json", JsonSerializer.SerializeToUtf8Bytes(new NodeEntry(node, _time.GetUtcNow(), report), JsonSerializerOptions.Web));

    /// <summary>What all nodes last told, by name.</summary>
    public NodeListing Nodes() => new([.. Directory.EnumerateFiles(Path.Combine(_root, NodeFolder), "*.json").Order(StringComparer.Ordinal).Select(f => JsonSerializer.Deserialize<NodeEntry>(File.ReadAllBytes(f), JsonSerializerOptions.Web)!)]);

    public static bool IsDigest(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    private OrderListing Listing() => new(_change, [.. Directory.EnumerateFiles(Path.Combine(_root, Orders), "*.json").Order(StringComparer.Ordinal).Select(f => new OrderEntry(Path.GetFileNameWithoutExtension(f), Digest(File.ReadAllBytes(f))))]);

    private static string OrderName(string name) => $"{Orders}/{name}.json";

    private static string ReleaseName(string sha256) => $"{ReleaseFolder}/{sha256}.comity";

    private static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Whole(string name, byte[] bytes)
    {
        var path = Path.Combine(_root, name);
        using (var stream = new FileStream(path + Unfinished, FileMode.Create, FileAccess.Write))
        {
            stream.Write(bytes);
            stream.Flush(flushToDisk: true);
        }
        _store?.Keep(name, path + Unfinished, "");
        File.Move(path + Unfinished, path, overwrite: true);
    }

    // What the store has stands. What it lacks lay here before there was a store, or before it kept this too.
    private void Gather(IBodyStore store)
    {
        var kept = store.List("").Select(k => k.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var name in kept.Where(k => !k.StartsWith(ReleaseFolder, StringComparison.Ordinal))) store.Fetch(name, Path.Combine(_root, name));
        foreach (var folder in new[] { Orders, ReleaseFolder, NodeFolder })
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(_root, folder)).Where(f => Path.GetExtension(f) is ".json" or ".comity"))
            {
                var name = $"{folder}/{Path.GetFileName(file)}";
                if (!kept.Contains(name)) store.Keep(name, file, "");
            }
        }
    }
}
