using Comity.Transport.Identity;

namespace Comity.Coordinator.Studies;

/// <summary>All studies of this coordinator. The host opens it with the folder of its state and the keys of its sites, maps its endpoints, and disposes it last.</summary>
/// <param name="folder">Where the studies' state lies.</param>
/// <param name="keys">Public keys of approved sites.</param>
/// <param name="time">The clock.</param>
internal sealed class StudyServer(string folder, ISiteKeys keys, TimeProvider time) : IAsyncDisposable
{
    /// <summary>The clock.</summary>
    public TimeProvider Time => time;

    /// <summary>Where the studies' state lies.</summary>
    public string Folder => folder;

    /// <summary>Public keys of approved sites.</summary>
    public ISiteKeys Keys => keys;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
