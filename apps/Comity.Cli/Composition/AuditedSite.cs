using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Comity.Cli.Runs;
using Comity.Federation.Privacy;
using Comity.Federation.Runs;
using Comity.Federation.Sites;

namespace Comity.Cli.Composition;

/// <summary>A site whose every answer is written down in the audit log before it is handed on.</summary>
internal sealed class AuditedSite(ISiteWork site, AuditLog log) : ISiteWork
{
    private const string Coordinator = "coordinator";
    public string Site => site.Site;

    /// <summary>Writes down what the site's gate lets out in statistics and rounds.</summary>
    public static void Write(AuditLog log, Leaving leaving)
    {
        if (leaving is Leaving.OfUpdate { Header: var header } update)
            log.Write(new AuditEntry(update.Site, "update", Coordinator, update.Repeat, update.Model, header.Round, 4L * header.Length, header.Sha256));
        if (leaving is not Leaving.OfStatistics statistics) return;
        var bytes = JsonSerializer.SerializeToUtf8Bytes(statistics.Content, SiteJson.Default.Statistics);
        log.Write(new AuditEntry(statistics.Site, "statistics", Coordinator, statistics.Task.Repeat, statistics.Task.Step, 0, bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes))));
    }

    // Raw sums stop at the gate; what it lets out of them is written there.
    public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) => site.CollectAsync(task, cancellationToken);

    public ValueTask<TrainingScale> ScaleAsync(int repeat, string? trainingOverrides, CancellationToken cancellationToken) =>
        site.ScaleAsync(repeat, trainingOverrides, cancellationToken);

    public async ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        var result = await site.TrainAsync(task, cancellationToken);
        // In a round the gate has the last word. A model that the site trained alone is handed to the simulation whole.
        if (task.Round == 0) Write("model", task.Repeat, task.Model, 0, MemoryMarshal.AsBytes(result.Parameters.Span));
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
