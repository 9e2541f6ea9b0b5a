using System.Text.Json;
using Comity.Federation.Audit;

namespace Comity.Transport.Protocol;

/// <summary>How a task ended at the site (<c>POST /v1/tasks/KEY/answer</c>).</summary>
/// <param name="Outcome">How.</param>
/// <param name="Content">The result; null unless it is done.</param>
/// <param name="Body">The body that was uploaded, or that stands inside; null: none.</param>
/// <param name="Problem">Why it was refused or failed.</param>
/// <param name="Head">How far the site's audit log has come with this answer; null: it keeps none.</param>
/// <param name="Charge">What the site's ledger was charged for it; null: nothing.</param>
public sealed record SiteAnswer(TaskOutcome Outcome, JsonElement? Content, BodyReference? Body, ToldProblem? Problem, AuditHead? Head = null, AuditCharge? Charge = null);

/// <summary>How a task ended.</summary>
public enum TaskOutcome
{
    /// <summary>It is done.</summary>
    Done,

    /// <summary>The site's gate or policy said no; for a round the problem's code is the reason.</summary>
    Refused,

    /// <summary>It could not be done: records gone, memory or disk full, a defect.</summary>
    Failed,
}

/// <summary>What became of an answer.</summary>
/// <param name="Taken">Whether it counts, durably.</param>
/// <param name="Reason">Why it does not: <c>not-awaited</c>, or why the coordinator's gate refused it.</param>
/// <param name="Head">How far the coordinator's audit log has come with the answer in it; null: it keeps none.</param>
public sealed record AnswerReply(bool Taken, string? Reason, AuditHead? Head = null);

/// <summary>How far a site's tasks have come (<c>POST /v1/progress</c>). Sent when something moved, and now and then as a sign of life.</summary>
/// <param name="Tasks">Tasks at hand.</param>
public sealed record ProgressReport(IReadOnlyList<TaskProgress> Tasks);

/// <summary>How far one task has come.</summary>
/// <param name="Key">The task.</param>
/// <param name="Phase">What is being done.</param>
/// <param name="Steps">Grows with each step (an epoch, a chunk of a body): what renews the site's lease.</param>
/// <param name="Epoch">Epochs done.</param>
/// <param name="Epochs">Epochs asked for; 0: none.</param>
/// <param name="Bytes">Bytes moved.</param>
/// <param name="Loss">Training loss; null: the site's policy does not release it, or there is none.</param>
public sealed record TaskProgress(string Key, TaskPhase Phase, long Steps, int Epoch, int Epochs, long Bytes, double? Loss);

/// <summary>What is being done with a task.</summary>
public enum TaskPhase
{
    /// <summary>It waits for its turn at the site.</summary>
    Queued,

    /// <summary>Its bodies are fetched.</summary>
    Fetching,

    /// <summary>The site computes.</summary>
    Working,

    /// <summary>Its answer is sent.</summary>
    Sending,
}

/// <summary>Which tasks the coordinator no longer wants.</summary>
/// <param name="Dropped">Their keys.</param>
public sealed record ProgressReply(IReadOnlyList<string> Dropped);
