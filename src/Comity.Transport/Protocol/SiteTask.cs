using System.Text.Json;

namespace Comity.Transport.Protocol;

/// <summary>A site asks for work (<c>POST /v1/work</c>); the answer waits until there is some, at most <see cref="WaitSeconds"/>.</summary>
/// <param name="Protocol">Version that the site speaks.</param>
/// <param name="Held">Keys of the tasks that its process works on; all others that are open come again.</param>
/// <param name="Room">How many more it takes.</param>
/// <param name="WaitSeconds">How long it waits.</param>
/// <param name="Studies">Studies of which it keeps state.</param>
public sealed record WorkRequest(int Protocol, IReadOnlyList<string> Held, int Room, int WaitSeconds, IReadOnlyList<string> Studies);

/// <summary>What there is to do.</summary>
/// <param name="Tasks">New tasks.</param>
/// <param name="Closed">Of the site's studies, those that need nothing any more: their spools can go.</param>
public sealed record WorkReply(IReadOnlyList<SiteTask> Tasks, IReadOnlyList<string> Closed);

/// <summary>One thing that a site is asked to do.</summary>
/// <param name="Key">Digest of all that the task says, so the same task after a restart has the same key.</param>
/// <param name="Study">Id of the study at the coordinator.</param>
/// <param name="Kind">What to do.</param>
/// <param name="Content">A record of <see cref="TaskKind"/>'s.</param>
/// <param name="Bodies">Bodies that belong to it.</param>
public sealed record SiteTask(string Key, string Study, TaskKind Kind, JsonElement Content, IReadOnlyList<BodyReference> Bodies)
{
    /// <summary>The body of a name, or null.</summary>
    public BodyReference? Body(string name) => Bodies.FirstOrDefault(b => b.Name == name);
}

/// <summary>Kinds of tasks.</summary>
public enum TaskKind
{
    /// <summary>Check the study against the site's own records and policy, and take part or say why not (<see cref="JoinWork"/>).</summary>
    Join,

    /// <summary>Compute one step of the shared statistics (<see cref="StatisticsWork"/>).</summary>
    Statistics,

    /// <summary>Make the first weights from the study's seed (<see cref="StartWork"/>).</summary>
    Start,

    /// <summary>Train a model alone (<see cref="TrainWork"/>).</summary>
    Train,

    /// <summary>Take part in a round (<see cref="RoundWork"/>).</summary>
    Round,

    /// <summary>Answer one step of a masked round, apart from the masked update itself (<see cref="MaskWork"/>).</summary>
    Mask,

    /// <summary>Make the site's own model from the finished common one (<see cref="RoundWork"/>).</summary>
    Personalise,

    /// <summary>Judge a model (<see cref="EvaluateWork"/>).</summary>
    Evaluate,

    /// <summary>Compare two models (<see cref="CompareWork"/>).</summary>
    Compare,

    /// <summary>Judge a model in counts (<see cref="CountWork"/>).</summary>
    Count,
}

/// <summary>A binary body: what it is called in its task, and how it is cut.</summary>
/// <param name="Name">Such as <c>parameters</c>.</param>
/// <param name="Digest">SHA-256 (hex) over its chunks' digests.</param>
/// <param name="Length">Bytes.</param>
/// <param name="ChunkBytes">Bytes of a chunk.</param>
/// <param name="Inline">The body itself, base 64, where it is small; null: it is fetched.</param>
public sealed record BodyReference(string Name, string Digest, long Length, int ChunkBytes, string? Inline = null);

/// <summary>What a body is cut into, as <c>GET …/manifest</c> answers and an upload begins.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="ChunkBytes">Bytes of a chunk.</param>
/// <param name="Digests">The chunks' digests one after the other, base 64.</param>
public sealed record ManifestMessage(long Length, int ChunkBytes, string Digests);

/// <summary>Which chunks of an upload are still to come.</summary>
/// <param name="Missing">Indices; empty: the body is whole.</param>
public sealed record UploadState(IReadOnlyList<int> Missing);
