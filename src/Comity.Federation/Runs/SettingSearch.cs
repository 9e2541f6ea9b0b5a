using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Comity.Federation.Evidence;
using Comity.Federation.Results;
using Comity.Federation.Sites;

namespace Comity.Federation.Runs;

/// <summary>Tries the settings of one model in one repeat, each as a trial of its own, and says which is best on validation rows.</summary>
/// <remarks>
/// A trial has the model's id with <c>@</c> and its number. What it came to is durable before the next begins; its weights and rounds are
/// then deleted. A setting with which training diverges is the worst there is and stops nothing.
/// </remarks>
/// <param name="run">The run.</param>
/// <param name="start">The repeat.</param>
/// <param name="model">Id of the model that the choice is for.</param>
/// <param name="metric">Metric that decides; log loss decides between equals.</param>
/// <param name="judges">Whose validation rows decide, by site; <c>*</c>: the union's.</param>
internal sealed class SettingSearch(RunContext run, RepeatStart start, string model, string metric, IReadOnlyList<KeyValuePair<string, ISiteWork>> judges)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>Id of a setting's trial.</summary>
    public static string TrialId(string model, int setting) => string.Create(CultureInfo.InvariantCulture, $"{model}@{setting + 1}");

    /// <summary>What a search of an earlier moment of this run came to; empty: there was none.</summary>
    public static IReadOnlyList<TriedSetting> Found(RunContext run, string model, int repeat) =>
        run.Store.Value(Key(model, repeat)) is { } kept ? JsonSerializer.Deserialize<TriedSetting[]>(kept, Json)! : [];

    /// <summary>Index of the best setting.</summary>
    /// <param name="settings">The settings as people read them.</param>
    /// <param name="train">Trains the setting with this index under this id, if that has not been done yet.</param>
    /// <param name="cancellationToken">Stops; what was tried stays.</param>
    public async Task<int> ChooseAsync(IReadOnlyList<string> settings, Func<int, string, CancellationToken, Task> train, CancellationToken cancellationToken)
    {
        if (Found(run, model, start.Repeat) is { Count: > 0 } found) return found.Index().First(t => t.Item.Chosen).Index;
        var tried = new List<TriedSetting>();
        for (var i = 0; i < settings.Count; i++)
        {
            var index = i;
            tried.Add(await TryAsync(TrialId(model, i), settings[i], (id, token) => train(index, id, token), cancellationToken).ConfigureAwait(false));
        }
        var best = tried.Index().Where(t => double.IsFinite(t.Item.ValidationScore))
            .OrderByDescending(t => MetricOrder.Goodness(metric, t.Item.ValidationScore)).ThenBy(t => double.IsNaN(t.Item.ValidationLogLoss) ? double.PositiveInfinity : t.Item.ValidationLogLoss)
            .Select(t => t.Index).FirstOrDefault();
        run.Store.KeepValue(Key(model, start.Repeat), JsonSerializer.Serialize(tried.Select((t, i) => t with { Chosen = i == best }), Json));
        return best;
    }

    private async Task<TriedSetting> TryAsync(string id, string setting, Func<string, CancellationToken, Task> train, CancellationToken cancellationToken)
    {
        if (run.Store.Value(Key(id, start.Repeat)) is { } done) return JsonSerializer.Deserialize<TriedSetting>(done, Json)!;
        var tried = new TriedSetting(model, start.Repeat, setting, metric, double.NaN, double.NaN, Chosen: false, 0, 0, 0);
        try
        {
            await train(id, cancellationToken).ConfigureAwait(false);
            var record = run.Store.Model(id, start.Repeat)!;
            var judged = await JudgeAsync(id, run.Store.WeightsFor(record), cancellationToken).ConfigureAwait(false);
            var (_, scores) = Recommendation.Choose([id], judged, metric);
            tried = tried with
            {
                ValidationScore = scores[0].ValidationScore,
                ValidationLogLoss = scores[0].ValidationLogLoss,
                Rounds = record.Info.Rounds,
                Bytes = record.Info.Bytes,
                Seconds = record.Info.Seconds,
            };
        }
        catch (StudyStoppedException e) when (e.Problem.Code == "diverged")
        {
            var rounds = run.Store.Rounds(id, start.Repeat);
            tried = tried with { Rounds = rounds.Count, Bytes = rounds.Sum(r => r.Bytes), Seconds = rounds.Sum(r => r.Seconds) };
        }
        run.Store.KeepValue(Key(id, start.Repeat), JsonSerializer.Serialize(tried, Json));
        run.Store.Forget(id, start.Repeat);
        if (run.Store.Model(id, start.Repeat) is { AtHome: false }) run.Store.Delete(run.Store.WeightsPath(id, start.Repeat));
        run.Slots.Discarded(1, start.Model.Layout.Length);
        return tried;
    }

    private Task<EvaluationInfo[]> JudgeAsync(string id, ReadOnlyMemory<float> parameters, CancellationToken cancellationToken) =>
        run.AllAsync(judges, async (judge, token) =>
        {
            var task = new EvaluationTask { Repeat = start.Repeat, Model = id, Agreed = start.Agreed, Parameters = parameters, Split = RowSplit.Validation };
            var result = await run.InSlotAsync(() => judge.Value.EvaluateAsync(task, token), 0, parameters.Length, token).ConfigureAwait(false);
            return new EvaluationInfo { Model = id, Repeat = start.Repeat, Site = judge.Key, Split = RowSplit.Validation, Result = result };
        }, cancellationToken);

    /// <summary>Under which key of the run's store a search, or one of its trials, is kept.</summary>
    public static string Key(string id, int repeat) => string.Create(CultureInfo.InvariantCulture, $"search/{id}/{repeat}");
}
