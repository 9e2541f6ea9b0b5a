using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Comity.Cli.Runs;
using Comity.Federation.Privacy;
using Comity.Federation.Sites;

namespace Comity.Cli.Composition;

/// <summary>A site whose every answer is written down in the audit log before it is handed on.</summary>
internal sealed class AuditedSite(ISiteWork site, AuditLog log) : ISiteWork
{
    private const string Coordinator = "coordinator";
    public string Site => site.Site;

    public async ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken)
    {
        var result = await site.CollectAsync(task, cancellationToken);
        Write("statistics", task.Repeat, task.Step, 0, JsonSerializer.SerializeToUtf8Bytes(result, SiteJson.Default.Statistics));
        return result;
    }

    public ValueTask<TrainingScale> ScaleAsync(int repeat, string? trainingOverrides, CancellationToken cancellationToken) =>
        site.ScaleAsync(repeat, trainingOverrides, cancellationToken);

    public async ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        var result = await site.TrainAsync(task, cancellationToken);
        Write("update", task.Repeat, task.Model, task.Round, MemoryMarshal.AsBytes(result.Parameters.Span));
        return result;
    }

    public async ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken)
    {
        var result = await site.EvaluateAsync(task, cancellationToken);
        // Metrics and, in a simulation, predictions row by row: said apart, as the latter are personal data.
        Write("evaluation", task.Repeat, task.Model, 0, JsonSerializer.SerializeToUtf8Bytes(result with { Predictions = [] }, SiteJson.Default.EvaluationResult));
        if (result.Predictions.Count > 0)
            Write("predictions", task.Repeat, task.Model, 0, JsonSerializer.SerializeToUtf8Bytes(result.Predictions, SiteJson.Default.IReadOnlyListPrediction));
        return result;
    }

    public async ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken)
    {
        var result = await site.CompareAsync(task, cancellationToken);
        Write("comparison", task.Repeat, $"{task.Candidate} : {task.Baseline}", 0, JsonSerializer.SerializeToUtf8Bytes(result, SiteJson.Default.ComparisonResult));
        return result;
    }

    private void Write(string kind, int repeat, string what, int round, ReadOnlySpan<byte> bytes) =>
        log.Write(new AuditEntry(site.Site, kind, Coordinator, repeat, what, round, bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes))));
}

/// <summary>How answers are turned into the bytes whose digest is logged; generated at build time, so that a run does not start with reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(Statistics))]
[JsonSerializable(typeof(EvaluationResult))]
[JsonSerializable(typeof(ComparisonResult))]
[JsonSerializable(typeof(IReadOnlyList<Prediction>))]
internal sealed partial class SiteJson : JsonSerializerContext;
