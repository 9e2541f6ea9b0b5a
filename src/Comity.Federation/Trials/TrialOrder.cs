using System.Text.Json.Serialization;

namespace Comity.Federation.Trials;

/// <summary>One or several trials of a study that are trained together by another process: a common model, or the own models of a group of sites.</summary>
/// <remarks>Holds what the bits depend on besides study and records, which the other process has itself: what the sites agreed on, and models that a trial starts from.</remarks>
public sealed record TrialOrder
{
    /// <summary>Name in its run, such as <c>federated/average~r0</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Repeat, from 0.</summary>
    public required int Repeat { get; init; }

    /// <summary>Ids of the models that are to be trained.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>How much work it is: rows that training passes over, times parameters. A measure to compare orders by, not a time.</summary>
    public required double Cost { get; init; }

    /// <summary>Site calls that can be made at the same time.</summary>
    public required int Slots { get; init; }

    /// <summary>Digest of the model's layout; who would train another one must not.</summary>
    public required string LayoutDigest { get; init; }

    /// <summary>What is needed besides study and records.</summary>
    public required IReadOnlyList<TrialFile> Files { get; init; }

    /// <summary>The sites of one round that are trained, instead of the whole trial; null: the whole trial.</summary>
    public SiteGroup? Group { get; init; }

    /// <summary>How long somebody is waited for who takes it, where it can be trained here as well; null: as long as it takes.</summary>
    [JsonIgnore]
    public TimeSpan? Patience { get; init; }

    /// <summary>Called when somebody begins with it; may be called again, as another may have to begin anew.</summary>
    [JsonIgnore]
    public Action? Begun { get; init; }
}

/// <summary>A file that goes with an order.</summary>
/// <param name="Name">Its name, with <c>/</c> between folders; the same content has the same name in all orders of a run.</param>
/// <param name="Path">Where it lies on this machine.</param>
public sealed record TrialFile(string Name, string Path);

/// <summary>What came of an order, on this machine.</summary>
/// <param name="Folder">Folder in which it lies; deleted once it was taken.</param>
/// <param name="Kept">Called when the run has taken it: whoever keeps another copy need not any longer.</param>
public sealed record TrialHandover(string Folder, Func<CancellationToken, Task> Kept);
