using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Comity.Cli.Releases;
using Comity.Cli.Terminal;
using Comity.Insight.Report;
using Comity.Serving.Feedback;
using Comity.Serving.Releases;

namespace Comity.Cli.Commands;

/// <summary><c>comity feedback summary --market hu</c>: how a model does by the labels that came, in the market that keeps them.</summary>
internal static class FeedbackCommand
{
    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Command Create(Session session)
    {
        var command = new Command("feedback", session.Text("feedback.description"));
        var market = new MarketStateOptions(session);
        var json = CommonOptions.Json(session);
        var summary = new Command("summary", session.Text("feedback.summary.description")) { json };
        market.AddTo(summary);
        summary.SetAction((parsed, _) =>
        {
            var state = market.Read(session, parsed);
            foreach (var (name, releases) in state.Releases.GroupBy(r => r.Manifest.Name).ToDictionary(g => g.Key, g => g.ToList()))
            {
                var found = Summarise(state, name, releases);
                if (parsed.GetValue(json)) session.Out.Line(JsonSerializer.Serialize(found, Options));
                else Print(session, found);
            }
            return Task.FromResult((int)ExitCode.Done);
        });
        command.Subcommands.Add(summary);
        return command;
    }

    /// <summary>What a market's folder says of a model.</summary>
    public static FeedbackSummary Summarise(MarketState state, string name, IReadOnlyList<Release> releases) => FeedbackSummary.Of(
        MarketStore.ReadFeedback(state.Store, name), state.Market, releases.ToDictionary(r => r.Manifest.Version, r => r.Manifest, StringComparer.Ordinal),
        [.. Serving.Inference.ServedModel.Load(releases[0]).Preprocessing.Contract.Sensitive.Select(s => s.Column)]);

    private static void Print(Session session, FeedbackSummary summary)
    {
        session.Out.Line(session.Out.Bold(session.Text("feedback.title", summary.Model, summary.Market, summary.Answers, summary.Comments)));
        if (summary.Rating is { } rating) session.Out.Line(session.Text("feedback.rating", Number(session, rating), summary.Ratings));
        foreach (var version in summary.Versions)
        {
            session.Out.Line(session.Text("feedback.version", version.Version, version.Labelled, string.Join(", ", version.Labels.Select(l => $"{l.Key} {l.Value}"))));
            var metrics = version.Metrics.Keys.ToList();
            var table = new TextTable([session.Text("feedback.period"), session.Text("feedback.labels"), .. metrics.Select(new ReportTexts(session.Language).Metric)]);
            table.Add([session.Text("feedback.all"), version.Labelled.ToString("N0", session.Language), .. metrics.Select(m => Number(session, version.Metrics[m]))]);
            foreach (var period in version.Periods.Where(_ => version.Periods.Count > 1))
                table.Add([$"{period.From:yyyy-MM-dd HH:mm} – {period.To:yyyy-MM-dd HH:mm}", period.Labelled.ToString("N0", session.Language), .. metrics.Select(m => Number(session, period.Metrics.GetValueOrDefault(m)))]);
            foreach (var group in version.Groups)
                table.Add([$"{group.Attribute} = {group.Group}", group.Labelled.ToString("N0", session.Language), .. metrics.Select(m => Number(session, group.Metrics.GetValueOrDefault(m)))]);
            foreach (var line in table.Lines()) session.Out.Line("  " + line);
            if (version.Alarm is { } alarm) session.Out.Line(session.Out.Red(session.Text("feedback.alarm", alarm.AtLabel, version.Promised!.Value, alarm.LabelsPerFalseAlarm, alarm.Received.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture))));
            else if (version.Promised is { } promised) session.Out.Line(session.Text("feedback.quiet", promised, FeedbackSummary.LabelsPerFalseAlarm));
        }
    }

    private static string Number(Session session, ReleaseMetric? metric) => metric is null ? "–"
        : metric.Low is null ? metric.Value.ToString("N3", session.Language) : $"{metric.Value.ToString("N3", session.Language)} [{metric.Low.Value.ToString("N3", session.Language)}, {metric.High!.Value.ToString("N3", session.Language)}]";
}
