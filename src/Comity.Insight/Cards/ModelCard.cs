using System.Globalization;
using System.Text;
using Comity.Federation.Results;
using Comity.Insight.Evidence;
using Comity.Insight.Report;

namespace Comity.Insight.Cards;

/// <summary><c>card.md</c>: what a model is for, whose data made it, how well it does where, and what it must not be used for.</summary>
/// <remarks>After Mitchell et al. 2019, "Model Cards for Model Reporting" (arXiv:1810.03993).</remarks>
public static class ModelCard
{
    private static readonly string[] Told = ["rocAuc", "accuracy", "balancedAccuracy", "f1", "logLoss", "brier", "ece", "rmse", "mae", "r2", "bitsPerCharacter", "perplexity", "entityF1", "entityPrecision", "entityRecall", "tokenAccuracy"];

    /// <summary>Writes a model's card in Markdown.</summary>
    /// <param name="results">The study that made it.</param>
    /// <param name="modelId">The model's id.</param>
    /// <param name="culture">Language of its words and form of its numbers.</param>
    /// <exception cref="ArgumentException">The study has no such model.</exception>
    public static string Render(StudyResults results, string modelId, CultureInfo culture)
    {
        ArgumentNullException.ThrowIfNull(results);
        ArgumentException.ThrowIfNullOrEmpty(modelId);
        var models = results.Models.Where(m => m.Id == modelId).OrderBy(m => m.Repeat).ToList();
        if (models.Count == 0) throw new ArgumentException($"The study {results.Study} has no model {modelId}.", nameof(modelId));
        var view = new ReportView(results, culture);
        var card = new StringBuilder();
        card.Append(culture, $"# {Text(view.T["card.title", view.ModelName(modelId)])}\n");
        Purpose(card, view);
        Training(card, view, models[0]);
        Scores(card, view, modelId);
        Groups(card, view, modelId);
        Section(card, view.T["section.limits"]);
        foreach (var limit in Limits.Of(view).Append(view.T["card.not-cleared"])) card.Append("- ").Append(Text(limit)).Append('\n');
        Section(card, view.T["section.privacy"]);
        if (results.SecureAggregation is { } masks) card.Append(view.T["privacy.masked", view.T["privacy.masked." + masks.Adversary], masks.Cohort, masks.Threshold, masks.Clip]).Append('\n');
        else if (results.Privacy.Count == 0) card.Append(view.T["privacy.none"]).Append('\n');
        if (results.Privacy.Count > 0) card.Append(view.T["privacy.ledger"]).Append('\n');
        foreach (var charge in results.Privacy)
            card.Append(culture, $"- {Text(charge.Site)}: {Text(charge.Mechanism)}, ε = {view.F.Value(charge.Epsilon)}, δ = {charge.Delta.ToString("0.##E+0", culture)} ({Text(charge.Relation)})\n");
        Origin(card, view, models[0]);
        return card.ToString();
    }

    private static void Purpose(StringBuilder card, ReportView view)
    {
        var (t, results) = (view.T, view.Results);
        var task = t[$"task.{results.Task}"];
        Section(card, t["card.purpose"]);
        card.Append(Text(results.Label is { } label ? t["asked.label", label, task] : t["asked.task", task]));
        if (results.Classes.Count > 0) card.Append(t["list.sentence"]).Append(Text(t["asked.classes", t.List([.. results.Classes])]));
        card.Append(t["list.sentence"]).Append(Text(t["card.study", results.Study])).Append('\n');
    }

    private static void Training(StringBuilder card, ReportView view, ModelInfo model)
    {
        var (t, f) = (view.T, view.F);
        var sites = view.Results.Sites.Where(s => model.TrainedOn.Contains(s.Id)).ToList();
        Section(card, t["card.training"]);
        if (t.Find($"arm.{model.Arm}.meaning") is { } meaning) card.Append(t["card.arm", t[$"arm.{model.Arm}"], meaning]).Append("\n\n");
        if (sites.Count <= 50)
        {
            Row(card, [t["column.site"], t["column.market"], t["column.training"]]);
            Row(card, ["---", "---", "---:"]);
            foreach (var site in sites) Row(card, [site.Id, view.MarketName(site.Market), f.Count(site.TrainingRows)]);
        }
        else
        {
            Row(card, [t["column.market"], t["column.sites"], t["column.training"]]);
            Row(card, ["---", "---:", "---:"]);
            foreach (var market in sites.GroupBy(s => s.Market)) Row(card, [view.MarketName(market.Key), f.Count(market.Count()), f.Count(market.Sum(s => (long)s.TrainingRows))]);
        }
        card.Append('\n').Append(t["card.size", f.Count(model.Parameters), f.Count(model.Rounds), f.Bytes(model.Bytes)]).Append('\n');
    }

    private static void Scores(StringBuilder card, ReportView view, string model)
    {
        var places = view.Results.Sites.Select(s => s.Id).Take(50).Append(TestScores.Union).ToList();
        var metrics = Told.Prepend(view.Results.PrimaryMetric).Distinct().Where(m => places.Exists(p => view.Scores.Of(model, p, m) is not null)).Take(5).ToList();
        Section(card, view.T["card.scores"]);
        if (metrics.Count == 0)
        {
            card.Append(view.T["matrix.empty"]).Append('\n');
            return;
        }
        Row(card, [view.T["column.site"], view.T["column.test"], .. metrics.Select(view.T.Metric)]);
        Row(card, ["---", .. Enumerable.Repeat("---:", metrics.Count + 1)]);
        foreach (var place in places)
        {
            var scores = metrics.ConvertAll(m => view.Scores.Of(model, place, m));
            if (scores.TrueForAll(s => s is null)) continue;
            Row(card, [view.SiteName(place), view.F.Count(scores.OfType<Score>().First().Rows), .. scores.Select(s => s is null ? Formats.Missing : view.F.WithInterval(s))]);
        }
        card.Append('\n').Append(view.T["card.intervals", view.IntervalNote]).Append('\n');
    }

    private static void Groups(StringBuilder card, ReportView view, string model)
    {
        var judged = view.Results.Sites.Select(s => s.Id).Prepend(TestScores.Union)
            .Select(p => (Place: p, Tests: view.Scores.Tests(model, p))).FirstOrDefault(p => p.Tests.Any(e => e.Result.Groups.Count > 0));
        Section(card, view.T["section.fairness"]);
        if (judged.Tests is null)
        {
            card.Append(view.T["fairness.empty"]).Append('\n');
            return;
        }
        Row(card, [view.T["card.group"], view.T["column.test"], view.Metric]);
        Row(card, ["---", "---:", "---:"]);
        foreach (var group in judged.Tests[0].Result.Groups)
        {
            var score = group.Rows < ThinEvidence.FewOfAClass ? view.T["fairness.too-few"] : group.Metrics.TryGetValue(view.Results.PrimaryMetric, out var found) ? view.F.WithInterval(found.Value, found.Low, found.High) : Formats.Missing;
            Row(card, [$"{group.Attribute} = {group.Group}", view.F.Count(group.Rows), score]);
        }
        var between = GroupDisparity.Of([judged.Tests[0]]).Where(d => view.T.Find("disparity." + d.Measure) is not null).ToList();
        if (between.Count > 0)
        {
            card.Append('\n');
            Row(card, [view.T["fairness.measure"], view.T["fairness.support"], view.T["fairness.value"]]);
            Row(card, ["---", "---:", "---:"]);
            foreach (var line in between)
                Row(card, [$"{line.Attribute}: {view.T["disparity." + line.Measure]}", view.F.Count(line.Support), line.TooFew ? view.T["fairness.too-few"] : view.F.WithInterval(line.Value, line.Low, line.High)]);
        }
        card.Append('\n').Append(view.T["card.groups-of", view.SiteName(judged.Place)]).Append('\n');
    }

    private static void Origin(StringBuilder card, ReportView view, ModelInfo model)
    {
        var (t, results) = (view.T, view.Results);
        Section(card, t["section.reproduce"]);
        card.Append("```\n").Append(Reproduction.Command(results).Replace("```", "", StringComparison.Ordinal)).Append("\n```\n\n");
        Row(card, ["", ""]);
        Row(card, ["---", "---"]);
        Row(card, [t["reproduce.digest"], results.StudySha256]);
        Row(card, [t["reproduce.version"], $"Comity {results.Environment.Version}, {results.Environment.Runtime}"]);
        Row(card, [t["reproduce.machine"], t["reproduce.width", results.Environment.Architecture, results.Environment.VectorBits]]);
        Row(card, [t["reproduce.weights"], $"{model.WeightsSha256} ({t["reproduce.weights-of", view.ModelName(model.Id), model.Repeat + 1]})"]);
    }

    private static void Section(StringBuilder card, string title) => card.Append("\n## ").Append(title).Append("\n\n");

    private static void Row(StringBuilder card, IEnumerable<string> cells) => card.Append("| ").AppendJoin(" | ", cells.Select(Text)).Append(" |\n");

    // Names come from other organisations: they may not become markup, a link or a new line.
    private static string Text(string text)
    {
        var safe = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (c is '<') safe.Append("&lt;");
            else if (c is '&') safe.Append("&amp;");
            else if (c is '\r' or '\n') safe.Append(' ');
            else if (c is '\\' or '`' or '*' or '_' or '[' or ']' or '|' or '#' or '!') safe.Append('\\').Append(c);
            else safe.Append(c);
        }
        return safe.ToString();
    }
}
