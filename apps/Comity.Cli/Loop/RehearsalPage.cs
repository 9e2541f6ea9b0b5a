using System.Globalization;
using Comity.Cli.Commands;
using Comity.Insight.Charts;
using Comity.Insight.Loop;
using Comity.Serving.Feedback;
using Comity.Serving.Releases;

namespace Comity.Cli.Loop;

/// <summary>What the markets stored, as figures.</summary>
internal sealed class RehearsalPage(Session session, IReadOnlyList<Release> releases, Func<string, string> state)
{
    private static readonly string[] Markets = ["us", "hu"];

    public LoopView View(IReadOnlyList<LoopEvent> events, IReadOnlyList<ChampionComparison> compared)
    {
        var states = Markets.Select(m => new MarketState(m, StoreAddress.InFolder(state(m)), releases)).ToList();
        return new LoopView(
            session.Language.Name, session.Text("rehearse.title"), session.Text("rehearse.lead"), session.Text("rehearse.timeline"), [.. Enumerable.Range(0, 3).Select(l => session.Text("rehearse.lane." + l.ToString(CultureInfo.InvariantCulture)))],
            events, [Accuracy(states), Drift(states)], [Compared(compared)], session.Text("rehearse.footer", ToolVersion.Text));
    }

    private LoopLines Accuracy(IReadOnlyList<MarketState> states)
    {
        var series = new List<LineSeries>();
        foreach (var market in states)
        {
            var summary = FeedbackCommand.Summarise(market, "heart", releases);
            var (points, band, seen) = (new List<(double X, double Y)>(), new List<(double Low, double High)>(), 0);
            foreach (var period in summary.Versions.OrderBy(v => v.Version, StringComparer.Ordinal).SelectMany(v => v.Periods).OrderBy(p => p.From))
            {
                seen += period.Labelled;
                if (period.Metrics.GetValueOrDefault("accuracy") is not { } accuracy) continue;
                points.Add((seen, accuracy.Value));
                band.Add((accuracy.Low ?? accuracy.Value, accuracy.High ?? accuracy.Value));
            }
            series.Add(new LineSeries(session.Text(market.Market == "us" ? "rehearse.lane.1" : "rehearse.lane.2"), points, band));
        }
        return new LoopLines(session.Text("rehearse.accuracy"), session.Text("rehearse.accuracy-note"), session.Text("rehearse.labels"), session.Text("rehearse.accuracy-axis"), series);
    }

    private LoopLines Drift(IReadOnlyList<MarketState> states) => new(
        session.Text("rehearse.drift"), session.Text("rehearse.drift-note"), session.Text("rehearse.windows"), "PSI",
        [.. states.Select(market => new LineSeries(
            session.Text(market.Market == "us" ? "rehearse.lane.1" : "rehearse.lane.2"),
            [.. DriftCommand.Judge(market, "heart").Select((w, i) => (i + 1.0, w.Findings.FirstOrDefault(f => f.Column == "marker" && !double.IsNaN(f.Index))?.Index ?? 0))], []))]);

    private LoopIntervals Compared(IReadOnlyList<ChampionComparison> compared) => new(
        session.Text("rehearse.compared"), session.Text("rehearse.compared-note"),
        [.. compared.Select(c => (c, d: c.Differences.First(d => d.Metric == "rocAuc"))).Select(x => new IntervalRow(
            session.Text(x.c.Market == "us" ? "rehearse.lane.1" : "rehearse.lane.2"), $"n = {x.c.Rows.ToString("N0", session.Language)}",
            [new IntervalMark(x.d.Difference, x.d.Low, x.d.High, x.d.Difference.ToString("+0.000;-0.000", session.Language))]))]);
}
