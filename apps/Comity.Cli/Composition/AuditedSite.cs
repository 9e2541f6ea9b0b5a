using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Comity.Cli.Runs;
using Comity.Federation.Audit;
using Comity.Federation.Privacy;
using Comity.Federation.Runs;
using Comity.Federation.Sites;
using Comity.Tensors.Parameters;

namespace Comity.Cli.Composition;

/// <summary>A site whose every answer is written down in its audit log before it is handed on, and everything that it is given.</summary>
internal sealed class AuditedSite(ISiteWork site, IAuditTrail audit) : ISiteWork
{
    public string Site => site.Site;

    /// <summary>Writes down what the site's gate lets out in statistics and rounds.</summary>
    public static void Write(IAuditTrail audit, Leaving leaving)
    {
        if (leaving is Leaving.OfUpdate { Header: var header } update)
            audit.Leaves(update.Site, Entry("update", update.Repeat, update.Model, header.Round, 4L * header.Length, header.Sha256) with { Charge = leaving.Charge });
        if (leaving is Leaving.OfNumbers numbers)
            audit.Leaves(numbers.Site, Entry("masked-numbers", numbers.Task.Repeat, numbers.Task.Id, 0, 4L * numbers.Header.Length, numbers.Header.Sha256) with { Charge = leaving.Charge });
        if (leaving is Leaving.OfCounts counts)
        {
            var noised = JsonSerializer.SerializeToUtf8Bytes(counts.Content, SiteJson.Default.Statistics);
            audit.Leaves(counts.Site, Entry("counts", counts.Task.Judged.Repeat, counts.Task.Id, 0, noised.Length, Digest(noised)) with { Charge = leaving.Charge });
        }
        if (leaving is not Leaving.OfStatistics statistics) return;
        var bytes = JsonSerializer.SerializeToUtf8Bytes(statistics.Content, SiteJson.Default.Statistics);
        audit.Leaves(statistics.Site, Entry("statistics", statistics.Task.Repeat, statistics.Task.Step, 0, bytes.Length, Digest(bytes)) with { Charge = leaving.Charge });
    }

    // Raw sums stop at the gate; what it lets out of them is written there.
    public ValueTask<Statistics> CollectAsync(StatisticsTask task, CancellationToken cancellationToken) => site.CollectAsync(task, cancellationToken);

    public ValueTask<TrainingScale> ScaleAsync(int repeat, string? trainingOverrides, CancellationToken cancellationToken) =>
        site.ScaleAsync(repeat, trainingOverrides, cancellationToken);

    public async ValueTask<TrainingResult> TrainAsync(TrainingTask task, CancellationToken cancellationToken)
    {
        Given(task.Repeat, task.Model, task.Round, task.Parameters);
        var result = await site.TrainAsync(task, cancellationToken);
        // In a round the gate has the last word. A model that the site trained alone is handed to the simulation whole.
        if (task.Round == 0) audit.Leaves(site.Site, ModelEntry(task.Repeat, task.Model, 0, result.Parameters));
        return result;
    }

    public async ValueTask<EvaluationResult> EvaluateAsync(EvaluationTask task, CancellationToken cancellationToken)
    {
        Given(task.Repeat, task.Model, 0, task.Parameters);
        var result = await site.EvaluateAsync(task, cancellationToken);
        // Metrics and, in a simulation, predictions row by row: said apart, as the latter are personal data.
        Leaves("evaluation", task.Repeat, task.Model, JsonSerializer.SerializeToUtf8Bytes(result with { Predictions = [] }, SiteJson.Default.EvaluationResult));
        if (result.Predictions.Count > 0)
            Leaves("predictions", task.Repeat, task.Model, JsonSerializer.SerializeToUtf8Bytes(result.Predictions, SiteJson.Default.IReadOnlyListPrediction));
        return result;
    }

    // Raw counts stop at the gate or under the masks; what leaves of them is written there.
    public ValueTask<Statistics> CountAsync(CountTask task, CancellationToken cancellationToken)
    {
        Given(task.Judged.Repeat, task.Judged.Model, 0, task.Judged.Parameters);
        return site.CountAsync(task, cancellationToken);
    }

    public async ValueTask<ComparisonResult> CompareAsync(ComparisonTask task, CancellationToken cancellationToken)
    {
        Given(task.Repeat, task.Baseline, 0, task.BaselineParameters);
        Given(task.Repeat, task.Candidate, 0, task.CandidateParameters);
        var result = await site.CompareAsync(task, cancellationToken);
        Leaves("comparison", task.Repeat, $"{task.Candidate} : {task.Baseline}", JsonSerializer.SerializeToUtf8Bytes(result, SiteJson.Default.ComparisonResult));
        return result;
    }

    private void Leaves(string kind, int repeat, string what, ReadOnlySpan<byte> bytes) => audit.Leaves(site.Site, Entry(kind, repeat, what, 0, bytes.Length, Digest(bytes)));

    private void Given(int repeat, string model, int round, ReadOnlyMemory<float> parameters)
    {
        if (parameters.IsEmpty) return; // the site holds the model itself
        audit.Given(site.Site, ModelEntry(repeat, model, round, parameters));
    }

    private static AuditEntry ModelEntry(int repeat, string model, int round, ReadOnlyMemory<float> parameters) =>
        Entry("model", repeat, model, round, 4L * parameters.Length, VectorDigest.Sha256(parameters.Span));

    private static AuditEntry Entry(string kind, int repeat, string what, int round, long bytes, string sha256) =>
        new() { Direction = AuditDirection.Out, Kind = kind, Repeat = repeat, What = what, Round = round, Bytes = bytes, Sha256 = sha256 };

    private static string Digest(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}

/// <summary>How answers are turned into the bytes whose digest is logged; generated at build time, so that a run does not start with reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(Statistics))]
[JsonSerializable(typeof(EvaluationResult))]
[JsonSerializable(typeof(ComparisonResult))]
[JsonSerializable(typeof(IReadOnlyList<Prediction>))]
internal sealed partial class SiteJson : JsonSerializerContext;
