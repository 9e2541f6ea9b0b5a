using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Comity.Federation.Audit;

namespace Comity.Transport.Protocol;

/// <summary>Tasks and answers as both parties' audit logs write them down.</summary>
public static class WireAudit
{
    /// <summary>The coordinator's name in logs.</summary>
    public const string Coordinator = "coordinator";

    /// <summary>A task: its key is the digest of all that it says.</summary>
    public static AuditEntry Entry(SiteTask task)
    {
        ArgumentNullException.ThrowIfNull(task);
        return Of(task) with { Kind = "task-" + Name(task.Kind), Bytes = task.Content.GetRawText().Length + task.Bodies.Sum(b => b.Length), Sha256 = task.Key };
    }

    /// <summary>An answer to a task. The digest covers its content and, by its own digest, its body.</summary>
    public static AuditEntry Entry(SiteTask task, SiteAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(answer);
        // Written anew on both sides, so that it does not matter how a number or a letter was escaped on the way.
        var content = answer.Content is { } element ? JsonSerializer.SerializeToUtf8Bytes(element, WireJson.Options) : [];
        byte[] all = [.. content, .. Encoding.UTF8.GetBytes($"\n{answer.Outcome}\n{answer.Body?.Digest}\n{answer.Problem?.Code}{(answer.Charge is { } charge ? "\n" + JsonSerializer.Serialize(charge, WireJson.Options) : "")}")];
        return Of(task) with { Kind = KindOf(task, answer), Bytes = content.Length + (answer.Body?.Length ?? 0), Sha256 = Convert.ToHexStringLower(SHA256.HashData(all)), Charge = answer.Charge };
    }

    private static string KindOf(SiteTask asked, SiteAnswer answer) => answer.Outcome != TaskOutcome.Done ? "refusal" : asked.Kind switch
    {
        TaskKind.Round when asked.Content.TryGetProperty("statistics", out _) || asked.Content.TryGetProperty("count", out _) => "masked-numbers",
        TaskKind.Count => "counts",
        TaskKind.Round => "update",
        TaskKind.Train or TaskKind.Personalise => answer.Body is null ? "training" : "model",
        TaskKind.Evaluate => "evaluation",
        TaskKind.Compare => "comparison",
        _ => Name(asked.Kind),
    };

    private static AuditEntry Of(SiteTask task)
    {
        string Text(string name) => task.Content.ValueKind == JsonValueKind.Object && task.Content.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        int Number(string name) => task.Content.ValueKind == JsonValueKind.Object && task.Content.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : 0;
        return new()
        {
            Direction = AuditDirection.Out, Kind = "", Study = task.Study, Repeat = Number("repeat"), Round = Number("round"),
            What = Text("model") is { Length: > 0 } model ? model : Text("step") is { Length: > 0 } step ? step : Text("candidate"),
        };
    }

    private static string Name(TaskKind kind) => JsonNamingPolicy.CamelCase.ConvertName(kind.ToString());
}
