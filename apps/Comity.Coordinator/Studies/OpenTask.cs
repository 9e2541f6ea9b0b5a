using Comity.Transport.Protocol;

namespace Comity.Coordinator.Studies;

/// <summary>A task that waits for a site's answer.</summary>
/// <param name="task">What the site is asked.</param>
/// <param name="bodies">What it may fetch, by digest.</param>
/// <param name="largestBody">Most bytes that its answer's body may have.</param>
/// <param name="progressed">Called when the site got further.</param>
internal sealed class OpenTask(SiteTask task, IReadOnlyDictionary<string, BodySource> bodies, long largestBody, Action<TaskProgress?> progressed)
{
    private readonly TaskCompletionSource<Arrived> _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<AnswerReply> _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public SiteTask Task => task;

    public long LargestBody => largestBody;

    public IReadOnlyDictionary<string, BodySource> Bodies => bodies;

    /// <summary>Last progress that the site reported; null: it has not begun.</summary>
    public TaskProgress? Progress { get; set; }

    /// <summary>The answer's body while it arrives; null: none has begun. Set while <see cref="Uploading"/> is held.</summary>
    public UploadedBody? Upload { get; set; }

    /// <summary>Held while an upload is begun.</summary>
    public SemaphoreSlim Uploading { get; } = new(1);

    /// <summary>The answer.</summary>
    public Task<Arrived> Arrived => _arrived.Task;

    /// <summary>What became of the answer, once it is durable.</summary>
    public Task<AnswerReply> Settled => _settled.Task;

    public void Progressed(TaskProgress? progress) => progressed(progress);

    /// <summary>Takes the first answer; false: there is one already.</summary>
    public bool Arrive(Arrived arrived) => _arrived.TrySetResult(arrived);

    /// <summary>Says what became of the answer.</summary>
    public void Settle(string? refusal) => _settled.TrySetResult(new AnswerReply(refusal is null, refusal));

    /// <summary>Nobody waits any more.</summary>
    public void Abandon()
    {
        _arrived.TrySetCanceled();
        _ = Upload?.DisposeAsync().AsTask(); // closed once nobody writes to it any more
        _settled.TrySetResult(new AnswerReply(false, "not-awaited"));
    }
}

/// <summary>An answer that arrived.</summary>
/// <param name="Answer">The answer.</param>
/// <param name="BodyFile">Its body, checked against its digest; null: none.</param>
internal sealed record Arrived(SiteAnswer Answer, string? BodyFile);
