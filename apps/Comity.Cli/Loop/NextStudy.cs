using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Comity.Cli.Commands;
using Comity.Insight.Report;
using Comity.Serving.Drift;
using Comity.Serving.Feedback;
using Comity.Serving.Releases;

namespace Comity.Cli.Loop;

/// <summary>Why a next study is proposed, market by market.</summary>
/// <param name="Market">The market.</param>
/// <param name="Metric">The metric compared.</param>
/// <param name="Before">How the release was judged there.</param>
/// <param name="Now">How it does by the labels that came; null: too few.</param>
/// <param name="Labelled">Labels that came.</param>
/// <param name="Alarm">Whether errors became more frequent than promised.</param>
/// <param name="Shifted">Columns that shifted, with their stability index, the strongest first.</param>
/// <param name="Days">Over how many days the labelled answers were given.</param>
internal sealed record MarketReason(string Market, string Metric, ReleaseMetric? Before, ReleaseMetric? Now, int Labelled, bool Alarm, IReadOnlyList<(string Column, double Index)> Shifted, int Days)
{
    public static MarketReason Of(MarketState state, Release release)
    {
        var (manifest, name) = (release.Manifest, release.Manifest.Name);
        var version = FeedbackCommand.Summarise(state, name, [release]).Versions.FirstOrDefault(v => v.Version == manifest.Version);
        var windows = DriftCommand.Judge(state, name).Where(w => w.Window.Version == manifest.Version).TakeLast(8).ToList();
        var shifted = windows.Count == 0 ? [] : DriftJudge.Judge(windows[0].Reference, DriftWindow.Join([.. windows.Select(w => w.Window)]))
            .Where(f => f.Alarm && f.Column != "score").GroupBy(f => f.Column).Select(g => (g.Key, g.Max(f => double.IsNaN(f.Index) ? 0 : f.Index))).OrderByDescending(s => s.Item2).ToList();
        var labels = DriftCommand.JudgeLabels(state, name).Where(w => w.Window.Version == manifest.Version).TakeLast(4).ToList();
        if (labels.Count > 0) shifted.AddRange(DriftJudge.Judge(labels[0].Reference, DriftWindow.Join([.. labels.Select(w => w.Window)])).Where(f => f.Alarm).Select(f => (f.Column, f.Index)));
        // The latest labels tell how it does now; all of them would hide a recent fall.
        var now = version?.Periods.Count > 1 ? version.Periods[^1].Metrics.GetValueOrDefault(manifest.PrimaryMetric) : version?.Metrics.GetValueOrDefault(manifest.PrimaryMetric);
        return new MarketReason(
            state.Market, manifest.PrimaryMetric, manifest.Markets.FirstOrDefault(m => m.Id == state.Market)?.Metrics.GetValueOrDefault(manifest.PrimaryMetric), now,
            version?.Labelled ?? 0, version?.Alarm is not null, shifted,
            version?.Periods.Count > 0 ? Math.Max(1, (int)Math.Ceiling((version.Periods[^1].To - version.Periods[0].From).TotalDays)) : 0);
    }

    /// <summary>Whether this market gives a reason to train again.</summary>
    public bool Calls => Alarm || Shifted.Count > 0;

    public string Text(Session session)
    {
        string Interval(ReleaseMetric? m) => m is null ? "–" : string.Create(CultureInfo.InvariantCulture, $"{m.Value:0.###} [{m.Low:0.###}, {m.High:0.###}]");
        var shifts = Shifted.Count == 0 ? session.Text("next.no-shift") : string.Join(", ", Shifted.Take(4).Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Column} (PSI {s.Index:0.##})")));
        var metric = new ReportTexts(session.Language).Metric(Metric);
        return Labelled == 0
            ? session.Text("next.reason-unlabelled", Market, metric, Interval(Before), shifts)
            : session.Text("next.reason", Market, metric, Interval(Before), Interval(Now), Labelled, shifts, session.Text(Alarm ? "next.alarm" : "next.no-alarm"), Days);
    }
}

/// <summary>A proposed study: the study that made the release, started warm from its weights, with the reasons at its head.</summary>
internal static partial class NextStudy
{
    /// <summary>The proposal's text.</summary>
    /// <param name="study">Text of the study that made the release.</param>
    /// <param name="release">The release.</param>
    /// <param name="weights">File of its weights, relative to the proposal.</param>
    /// <param name="reasons">Why.</param>
    /// <param name="rounds">Rounds of fine-tuning; null: nothing is fine-tuned, the study trains anew.</param>
    public static string Write(string study, Release release, string weights, IEnumerable<string> reasons, int? rounds)
    {
        var text = new StringBuilder();
        foreach (var reason in reasons) text.Append("# ").Append(reason.ReplaceLineEndings(" ")).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"study: {release.Manifest.Origin.Study}-next\n");
        if (rounds is null) return text.Append(Without(study, "study").TrimEnd('\n')).Append('\n').ToString();
        text.Append(Without(study, "study", "arms", "combined").TrimEnd('\n')).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"\narms: [local, federated, combined]\ncombined:\n  - {{ name: warm, from: [\"{weights}\"], by: {{ kind: fine-tune, rounds: {rounds}, localEpochs: 1 }} }}\n");
        return text.ToString();
    }

    /// <summary>The text without some of its top-level keys and what stands below them.</summary>
    internal static string Without(string yaml, params string[] keys)
    {
        var kept = new StringBuilder();
        var leaving = false;
        foreach (var line in yaml.ReplaceLineEndings("\n").Split('\n'))
        {
            if (TopLevelKey().Match(line) is { Success: true } key) leaving = keys.Contains(key.Groups["key"].Value);
            if (!leaving) kept.Append(line).Append('\n');
        }
        return kept.ToString();
    }

    [GeneratedRegex(@"^(?<key>[A-Za-z][A-Za-z0-9]*):")]
    private static partial Regex TopLevelKey();
}
