using Comity.Federation.AtRest;

namespace Comity.Transport.Sites;

/// <summary>A site's share of its disk: what arrives is weighed before it is fetched, together with the answer of the same size that will follow.</summary>
/// <param name="folder">Folder of the studies' spools.</param>
/// <param name="most">Most bytes in it; null: as many as the disk has.</param>
internal sealed class SpoolQuota(string folder, long? most)
{
    /// <summary>Bytes in the folder.</summary>
    public long Used => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(Length);

    /// <summary>Makes sure that a body and an answer like it fit; where they do not, what is only kept to be written over goes first.</summary>
    /// <exception cref="QuotaExceededException">They do not.</exception>
    public void Require(long bytes, SpareFiles spares)
    {
        if (most is not { } limit || bytes < 1 << 20) return; // what is small is not worth counting everything for
        var used = Used;
        if (used + (2 * bytes) <= limit) return;
        spares.Clear();
        used = Used;
        if (used + (2 * bytes) > limit) throw new QuotaExceededException(folder, used, 2 * bytes, limit);
    }

    private static long Length(string path)
    {
        try
        {
            return new FileInfo(path).Length;
        }
        catch (FileNotFoundException)
        {
            return 0; // it went in this moment
        }
    }
}

/// <summary>The site's share of the disk is full. Nothing was fetched and nothing is lost: the task goes on once there is room.</summary>
internal sealed class QuotaExceededException(string folder, long used, long needed, long limit) : IOException($"{folder} holds {used} bytes; {needed} more do not fit into {limit}.")
{
    /// <summary>The same for the people here.</summary>
    public SiteAgentEvent ToEvent(Protocol.SiteTask task) => new SiteAgentEvent.DiskShareFull(task, folder, Mebibytes(used), Mebibytes(needed), Mebibytes(limit));

    private static long Mebibytes(long bytes) => (bytes + (1 << 20) - 1) >> 20;
}
