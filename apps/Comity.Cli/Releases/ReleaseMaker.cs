using System.Globalization;
using System.Text;
using Comity.Cli.Runs;
using Comity.Cli.Terminal;
using Comity.Data.Contracts;
using Comity.Data.Preprocess;
using Comity.Data.Reference;
using Comity.Declarations;
using Comity.Federation.Results;
using Comity.Federation.Sites;
using Comity.Insight.Cards;
using Comity.Insight.Predictions;
using Comity.Insight.Results;
using Comity.Learning;
using Comity.Learning.Evaluation;
using Comity.Serving.Releases;
using Comity.Tensors.Randomness;

namespace Comity.Cli.Releases;

/// <summary>What a person says of a release.</summary>
/// <param name="Name">Name it is served under.</param>
/// <param name="Version">Version, never used twice.</param>
/// <param name="Model">The model's id; null: the recommended one.</param>
/// <param name="Site">Site whose preprocessing applies, where sites scale by their own numbers.</param>
/// <param name="Purpose">What it is for.</param>
/// <param name="Licence">Licence of the weights.</param>
internal sealed record ReleaseWish(string Name, string Version, string? Model, string? Site, string? Purpose, string? Licence);

/// <summary>Makes a release from a run folder: what the run wrote, and how the model did market by market.</summary>
internal static class ReleaseMaker
{
    public static (ReleaseManifest Manifest, Dictionary<string, byte[]> Parts) Make(string run, ReleaseWish wish, TimeProvider time)
    {
        var problems = new ProblemList();
        if (!ReleaseManifest.IsName(wish.Name)) problems.Add(Texts.Problem("release-name", Place.InFile("--name"), wish.Name));
        if (!ReleaseManifest.IsVersion(wish.Version)) problems.Add(Texts.Problem("release-version", Place.InFile("--version"), wish.Version));
        if (problems.HasErrors) throw new StoppedException(ExitCode.Usage, problems);
        var results = ResultsFile.Read(Path.Combine(run, "results.json"));
        var id = wish.Model ?? results.Recommended ?? throw Stopped("release-no-model", run, Ids(results));
        var model = results.Models.FirstOrDefault(m => m.Id == id && m.Repeat == 0) ?? throw Stopped("release-no-model", run, Ids(results));
        var folder = Path.Combine(run, "models", id);
        var read = ModelFolder.Read(folder, wish.Site); // fails where the model can't be applied
        if (!Serving.Inference.ServedModel.IsServed(read.Preprocessing)) throw Stopped("release-not-served", folder, id, read.Preprocessing.TaskName);
        var (statistics, predictions) = (Path.Combine(run, RunFolder.StatisticsName), Path.Combine(run, "predictions.csv"));
        // Of a study between organisations predictions and counts of records stayed at home: how the model did is what the sites reported.
        var stayed = !File.Exists(predictions) && !File.Exists(statistics);
        if (!stayed && !File.Exists(statistics)) throw Stopped("release-no-statistics", run);

        var predicted = (stayed ? [] : PredictionsFile.Read(predictions)).Where(p => p.Model == id && p.Repeat == 0).ToLookup(p => p.Site, StringComparer.Ordinal);
        var markets = results.Markets.Select(m => (Market: m, Rows: results.Sites.Where(s => s.Market == m.Id).SelectMany(s => predicted[s.Id]).ToList())).ToList();
        var manifest = new ReleaseManifest
        {
            Name = wish.Name,
            Version = wish.Version,
            Created = new DateTimeOffset(time.GetUtcNow().Ticks / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond, TimeSpan.Zero),
            Purpose = wish.Purpose,
            Licence = wish.Licence,
            Origin = new ReleaseOrigin(
                results.Study, results.StudySha256, results.Seed, id, model.WeightsSha256, model.Parameters, model.Rounds, results.Environment.Version,
                string.Create(CultureInfo.InvariantCulture, $"{results.Environment.Architecture}, {results.Environment.VectorBits} bit, {results.Environment.Runtime}"),
                [.. results.Sites.Where(s => model.TrainedOn.Contains(s.Id)).Select(s => new ReleaseContributor(s.Id, s.Market, s.TrainingRows))]),
            Task = results.Task,
            Classes = results.Classes,
            PrimaryMetric = results.PrimaryMetric,
            Markets = [.. markets.Select(m => stayed ? Reported(results, m.Market, id) : new ReleaseMarket(m.Market.Id, m.Market.Jurisdiction, m.Market.Name, m.Rows.Count, Judge(results, read.Preprocessing, m.Market.Id, m.Rows)))],
            Policy = DeclaredPolicy.Read(run),
            Privacy = [.. results.Privacy.Select(p => new ReleaseCharge(p.Site, p.Mechanism, p.Epsilon, p.Delta, p.Relation))],
        };
        var preprocessing = wish.Site is null ? ModelFolder.PreprocessingFile : ModelFolder.NameFor(wish.Site);
        return (manifest, new Dictionary<string, byte[]>
        {
            [Release.WeightsPart] = File.ReadAllBytes(Path.Combine(folder, ModelFolder.WeightsFile)),
            [Release.PreprocessingPart] = File.ReadAllBytes(Path.Combine(folder, preprocessing)),
            [Release.StatisticsPart] = Encoding.UTF8.GetBytes((stayed ? Nothing : WithScores(ReferenceStatistics.FromJson(File.ReadAllText(statistics)), markets.ToDictionary(m => m.Market.Id, m => m.Rows), model, results)).ToJson()),
            [Release.CardPart] = Card(results, id, manifest, Language.Of(Language.English)),
            [Release.ChineseCardPart] = Card(results, id, manifest, Language.Of(Language.SimplifiedChinese)),
        });
    }

    /// <summary>No counts of training records: drift of inputs is then not judged.</summary>
    private static ReferenceStatistics Nothing => new() { Threshold = 10, Samples = [new ReferenceSample(null, 0, [], null, [])] };

    /// <summary>How the sites of a market judged the model: one site's numbers with their intervals; of several, the mean by rows of what is a mean over rows.</summary>
    private static ReleaseMarket Reported(StudyResults results, MarketInfo market, string id)
    {
        var sites = results.Sites.Where(s => s.Market == market.Id).Select(s => s.Id).ToHashSet(StringComparer.Ordinal);
        var judged = results.Evaluation.Where(e => e.Model == id && e.Repeat == 0 && e.Split == RowSplit.Test && sites.Contains(e.Site)).Select(e => e.Result).ToList();
        var rows = judged.Sum(r => r.Rows);
        double? Finite(double value) => double.IsFinite(value) ? value : null;
        var metrics = new Dictionary<string, ReleaseMetric>(StringComparer.Ordinal);
        if (judged.Count == 1)
            foreach (var (name, metric) in judged[0].Metrics.Where(m => double.IsFinite(m.Value.Value))) metrics[name] = new ReleaseMetric(metric.Value, Finite(metric.Low), Finite(metric.High));
        else
            foreach (var name in OverRows.Where(n => judged.Count > 0 && judged.All(r => r.Metrics.TryGetValue(n, out var m) && double.IsFinite(m.Value))))
                metrics[name] = new ReleaseMetric(judged.Sum(r => r.Rows * r.Metrics[name].Value) / rows, null, null);
        return new ReleaseMarket(market.Id, market.Jurisdiction, market.Name, rows, metrics);
    }

    private static readonly string[] OverRows = [MetricNames.Accuracy, MetricNames.Brier, MetricNames.LogLoss, MetricNames.Mae];

    // What the maker says of it stands in the card too: a card is what people read.
    private static byte[] Card(StudyResults results, string model, ReleaseManifest manifest, CultureInfo language)
    {
        string T(string key, params object?[] arguments) => Texts.Catalog.Text(key, language, arguments);
        string Told(string? text) => string.IsNullOrWhiteSpace(text) ? T("card.undeclared") : text.ReplaceLineEndings(" ").Replace("<", "&lt;", StringComparison.Ordinal);
        var policy = manifest.Policy is not { } declared ? T("card.policy-none")
            : T("card.policy", declared.Sensitive.Count == 0 ? "–" : string.Join(", ", declared.Sensitive), T(declared.Anonymous ? "card.anonymous" : "card.personal"), declared.Covered.Count == 0 ? "–" : Told(string.Join("; ", declared.Covered.Select(c => $"{c.From} → {c.To}: {c.By}"))));
        return Encoding.UTF8.GetBytes($"{ModelCard.Render(results, model, language).TrimEnd()}\n\n## {T("card.terms")}\n\n- {T("card.purpose", Told(manifest.Purpose))}\n- {T("card.licence", Told(manifest.Licence))}\n- {policy}\n");
    }

    private static Dictionary<string, ReleaseMetric> Judge(StudyResults results, Preprocessing preprocessing, string market, List<PredictionRow> rows)
    {
        if (rows.Count == 0) return [];
        var task = Enum.Parse<TaskKind>(results.Task, ignoreCase: true);
        var labels = rows.Select(r => !task.HasClasses() ? float.Parse(r.Prediction.Label, CultureInfo.InvariantCulture) : results.Classes.ToList().IndexOf(r.Prediction.Label)).ToArray();
        var outputs = rows.SelectMany(r => OutputsOf(r, task)).ToArray();
        var judged = Evaluator.Evaluate(task, preprocessing.Classes, labels, outputs, new EvaluationSection(), Seed.Of(results.Seed).For("release", market));
        double? Finite(double value) => double.IsFinite(value) ? value : null;
        return judged.Metrics.Where(m => double.IsFinite(m.Value.Value)).ToDictionary(m => m.Key, m => new ReleaseMetric(m.Value.Value, Finite(m.Value.Low), Finite(m.Value.High)));
    }

    private static IEnumerable<float> OutputsOf(PredictionRow row, TaskKind task) =>
        task == TaskKind.Binary && row.Prediction.Outputs.Count == 1 ? [1 - row.Prediction.Outputs[0], row.Prediction.Outputs[0]] : row.Prediction.Outputs;

    // A model that saw one market's records only is compared with those alone.
    private static ReferenceStatistics WithScores(ReferenceStatistics statistics, Dictionary<string, List<PredictionRow>> rows, ModelInfo model, StudyResults results)
    {
        var seen = results.Sites.Where(s => model.TrainedOn.Contains(s.Id)).Select(s => s.Market).Distinct().ToList();
        var samples = statistics.Samples.Where(s => s.Market is null ? seen.Count != 1 : seen.Contains(s.Market)).ToList();
        if (seen.Count == 1) samples.Insert(0, samples.Single() with { Market = null });
        return statistics with
        {
            Samples = [.. samples.Select(s => s with { Score = Scores(s.Market is null ? [.. seen.SelectMany(m => rows[m])] : rows[s.Market], statistics.Threshold) })],
        };
    }

    private static ReferenceColumn? Scores(List<PredictionRow> rows, int threshold) => rows.Count == 0 ? null
        : ReferenceColumn.OfNumbers("score", rows.Select(r => (double)Serving.Inference.Score.Of([.. r.Prediction.Outputs])), threshold);

    private static string Ids(StudyResults results) => string.Join(", ", results.Models.Where(m => m.Repeat == 0).Select(m => m.Id).Distinct().Take(12));

    private static StoppedException Stopped(string code, string run, params object?[] arguments) => new(ExitCode.InvalidStudy, Texts.Problem(code, Place.InFile(run), arguments));
}
