using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Comity.Cli.Terminal;
using Comity.Data.Reference;
using Comity.Serving.Drift;
using Comity.Serving.Feedback;
using Comity.Serving.Inference;

namespace Comity.Cli.Commands;

/// <summary><c>comity drift NAME --market hu</c>: live records against the training records, window by window and over all.</summary>
internal static class DriftCommand
{
    private const int LabelsInWindow = 100;
    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public static Command Create(Session session)
    {
        var name = new Argument<string>("NAME") { HelpName = "NAME", Description = session.Text("argument.model-name") };
        var market = new MarketStateOptions(session);
        var json = CommonOptions.Json(session);
        var last = new Option<int>("--last") { Description = session.Text("option.last"), HelpName = "N", DefaultValueFactory = _ => 8 };
        var command = new Command("drift", session.Text("drift.description")) { name, json, last };
        market.AddTo(command);
        command.SetAction((parsed, _) =>
        {
            var state = market.Read(session, parsed);
            var report = Judge(state, parsed.GetRequiredValue(name));
            var labels = JudgeLabels(state, parsed.GetRequiredValue(name));
            if (parsed.GetValue(json)) session.Out.Line(JsonSerializer.Serialize(report.Concat(labels), Options));
            else Print(session, state.Market, report, labels, parsed.GetValue(last));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    /// <summary>Every window of a model in a market, judged against the release that answered.</summary>
    public static IReadOnlyList<JudgedWindow> Judge(MarketState state, string name)
    {
        var references = state.Releases.Where(r => r.Manifest.Name == name).ToDictionary(r => r.Manifest.Version, r => ServedModel.Load(r).Reference.For(state.Market), StringComparer.Ordinal);
        return [.. MarketStore.ReadWindows(state.Store, name).Where(w => references.ContainsKey(w.Version)).Select(w => new JudgedWindow(w, references[w.Version], DriftJudge.Judge(references[w.Version], w)))];
    }

    /// <summary>The labels that came for a model in a market, against those of its training records.</summary>
    public static IReadOnlyList<JudgedWindow> JudgeLabels(MarketState state, string name)
    {
        var feedback = MarketStore.ReadFeedback(state.Store, name);
        return [.. state.Releases.Where(r => r.Manifest.Name == name).SelectMany(release =>
        {
            var reference = ServedModel.Load(release).Reference.For(state.Market);
            return LabelWindows.Of(feedback, release.Manifest.Classes, name, release.Manifest.Version, state.Market, LabelsInWindow).Select(w => new JudgedWindow(w, reference, DriftJudge.Judge(reference, w)));
        })];
    }

    private static void Print(Session session, string market, IReadOnlyList<JudgedWindow> windows, IReadOnlyList<JudgedWindow> labels, int last)
    {
        if (windows.Count == 0) session.Out.Line(session.Text("drift.none", market));
        foreach (var version in windows.GroupBy(w => w.Window.Version))
        {
            var alarms = version.Count(w => w.Findings.Any(f => f.Alarm));
            session.Out.Line(session.Out.Bold(session.Text("drift.title", $"{version.First().Window.Model}@{version.Key}", market, version.Count(), version.Sum(w => w.Window.Rows), alarms, DriftJudge.DefaultLevel)));
            Together(session, "drift.recent", [.. version.TakeLast(last)]);
        }
        foreach (var version in labels.GroupBy(w => w.Window.Version)) Together(session, "drift.labels", [.. version.TakeLast(last)]);
    }

    private static void Together(Session session, string title, IReadOnlyList<JudgedWindow> recent)
    {
        var together = DriftWindow.Join([.. recent.Select(w => w.Window)]);
        session.Out.Line(session.Text(title, recent.Count, together.Rows, Moment(together.Started), Moment(together.Ended), together.Version));
        var table = new TextTable([.. new[] { "column", "test", "psi", "size", "p", "verdict" }.Select(c => session.Text("drift.column." + c))]);
        foreach (var finding in DriftJudge.Judge(recent[0].Reference, together).Take(12))
            table.Add(
                finding.Column, session.Text("drift.test." + finding.Test), double.IsNaN(finding.Index) ? "–" : finding.Index.ToString("N3", session.Language), double.IsNaN(finding.Size) ? "–" : finding.Size.ToString("N3", session.Language),
                finding.P < 0.0001 ? "< 0.0001" : finding.P.ToString("N4", session.Language), session.Text(finding.Alarm ? "drift.shifted" : "drift.quiet"));
        foreach (var line in table.Lines()) session.Out.Line("  " + line);
    }

    private static string Moment(DateTimeOffset moment) => moment.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}

/// <summary>A window with what was found in it.</summary>
/// <param name="Window">The window.</param>
/// <param name="Reference">What it was compared with.</param>
/// <param name="Findings">All tests, the strongest first.</param>
internal sealed record JudgedWindow(DriftWindow Window, [property: JsonIgnore] ReferenceSample Reference, IReadOnlyList<DriftFinding> Findings);
