using System.Collections.Concurrent;
using Comity.Transport.Bodies;
using Comity.Transport.Clients;
using Comity.Transport.Protocol;

namespace Comity.Transport.Sites;

/// <summary>Brings the bodies that tasks need into the spool, each once, from the chunk that is missing.</summary>
internal sealed class BodyFetcher(SiteClient client, PersistentLine line, SpoolQuota quota)
{
    private readonly ConcurrentDictionary<string, Task> _fetching = new(StringComparer.Ordinal);

    /// <summary>Fetches a body unless it is there.</summary>
    /// <exception cref="InvalidDataException">What came is not what its digest says.</exception>
    /// <exception cref="QuotaExceededException">It does not fit into the site's share of the disk.</exception>
    public async Task FetchAsync(SiteTask task, BodyReference body, StudySpool spool, TaskMeter meter, CancellationToken cancellationToken)
    {
        var path = spool.BodyPath(body);
        if (body.Inline is { } inline)
        {
            if (!await spool.HasAsync(body, cancellationToken).ConfigureAwait(false)) await KeepAsync(task, body, inline, spool, cancellationToken).ConfigureAwait(false);
            return;
        }
        // Two tasks that need the same body fetch it once.
        while (!await spool.HasAsync(body, cancellationToken).ConfigureAwait(false))
        {
            var own = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var running = _fetching.GetOrAdd(path, own.Task);
            if (running != own.Task)
            {
                await running.WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }
            try
            {
                quota.Require(body.Length, spool.Spares);
                await line.CallAsync(async token =>
                {
                    await client.FetchAsync(task.Key, body, path + ".part", meter.Moved, spool.VaultOf(body), spool.Spares, token).ConfigureAwait(false);
                    return true;
                }, Transient.Is, cancellationToken).ConfigureAwait(false);
                spool.Fetched(body, path + ".part");
            }
            finally
            {
                _fetching.TryRemove(path, out _);
                own.SetResult();
            }
        }
    }

    private static async Task KeepAsync(SiteTask task, BodyReference body, string inline, StudySpool spool, CancellationToken cancellationToken)
    {
        var bytes = Convert.FromBase64String(inline);
        using var memory = new MemoryStream(bytes, writable: false);
        var manifest = await BodyManifest.DescribeAsync(memory, body.ChunkBytes, cancellationToken).ConfigureAwait(false);
        if (!manifest.Matches(Convert.FromHexString(body.Digest))) throw new InvalidDataException($"'{body.Name}' is not what its digest says.");
        var arrived = $"{spool.BodyPath(body)}.{task.Key[..16]}";
        spool.VaultOf(body).WriteAll(arrived, bytes);
        spool.Fetched(body, arrived);
    }
}
