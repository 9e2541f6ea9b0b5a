using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Comity.Transport.Protocol;

/// <summary>The trace that follows a round over all parties.</summary>
/// <remarks>
/// <code>
/// round ─┬─ coordinator asks site a ─┬─ site a does the task ── its calls (traceparent) ── the coordinator answers them
///        └─ coordinator asks site b  └─ …
/// </code>
/// Its id is a digest of what every party knows of the round, so nothing more travels, a round that is done again after a restart or by another replica keeps it,
/// and whoever knows study, model and round finds it in any log. W3C Trace Context, Level 1.
/// </remarks>
public static class TaskTrace
{
    /// <summary>Name of the source of its activities.</summary>
    public const string SourceName = "Comity.Tasks";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>The trace of a round.</summary>
    /// <param name="study">Id of the study at the coordinator.</param>
    /// <param name="model">Id of the model.</param>
    /// <param name="repeat">Repeat, from 0.</param>
    /// <param name="round">Round, from 1.</param>
    public static ActivityContext OfRound(string study, string model, int repeat, int round) =>
        Of("round", study, model, repeat.ToString(CultureInfo.InvariantCulture), round.ToString(CultureInfo.InvariantCulture));

    /// <summary>The trace that a task belongs to: its round's, or where it is of none its own.</summary>
    public static ActivityContext Of(SiteTask task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return Round(task) is var (model, repeat, round) ? OfRound(task.Study, model, repeat, round) : Of("task", task.Study, task.Key);
    }

    /// <summary>Begins one party's part of a task; it ends when it is disposed of. Calls made meanwhile carry the trace, whether or not anybody collects it.</summary>
    /// <param name="task">The task.</param>
    /// <param name="site">The site that is asked.</param>
    /// <param name="kind">Producer: who asks. Consumer: who does it.</param>
    public static Activity Follow(SiteTask task, string site, ActivityKind kind)
    {
        ArgumentNullException.ThrowIfNull(task);
        var (context, name) = (Of(task), $"{(kind == ActivityKind.Producer ? "ask" : "do")} {task.Kind.ToString().ToLowerInvariant()}");
        var activity = Source.StartActivity(name, kind, context) ?? new Activity(name).SetParentId(context.TraceId, context.SpanId, context.TraceFlags).Start();
        if (!activity.IsAllDataRequested) return activity;
        activity.SetTag("comity.study", task.Study).SetTag("comity.site", site);
        if (Round(task) is var (model, repeat, round)) activity.SetTag("comity.model", model).SetTag("comity.repeat", repeat).SetTag("comity.round", round);
        return activity;
    }

    private static (string Model, int Repeat, int Round)? Round(SiteTask task)
    {
        if (task.Kind is not (TaskKind.Round or TaskKind.Mask or TaskKind.Personalise)) return null;
        var content = task.Content;
        return content.TryGetProperty("model", out var model) && content.TryGetProperty("repeat", out var repeat) && content.TryGetProperty("round", out var round)
            && repeat.TryGetInt32(out var r) && round.TryGetInt32(out var n) ? (model.ToString(), r, n) : null;
    }

    private static ActivityContext Of(params ReadOnlySpan<string> names)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes("comity trace\n" + string.Join('\n', names)));
        return new(ActivityTraceId.CreateFromBytes(digest.AsSpan(0, 16)), ActivitySpanId.CreateFromBytes(digest.AsSpan(16, 8)), ActivityTraceFlags.Recorded, isRemote: true);
    }
}
