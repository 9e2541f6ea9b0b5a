using System.CommandLine;
using Comity.Cli.Loop;
using Comity.Cli.Terminal;
using Comity.Insight.Report;
using Comity.Learning.Evaluation;

namespace Comity.Cli.Commands;

/// <summary><c>comity release compare CHAMPION CHALLENGER --study STUDY</c>: both on the same held-out records, market by market, with paired tests.</summary>
internal static class ReleaseCompareCommand
{
    public static Command Create(Session session)
    {
        var (champion, challenger) = (ReleaseFiles.Argument(session, "CHAMPION"), ReleaseFiles.Argument(session, "CHALLENGER"));
        var study = new Option<string>("--study") { Description = session.Text("option.compare-study"), HelpName = "STUDY", Required = true };
        study.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("compare", session.Text("release.compare.description")) { champion, challenger, study };
        command.SetAction((parsed, cancellationToken) =>
        {
            var compared = ChampionComparison.Of(
                session, ReleaseFiles.Read(session, parsed.GetRequiredValue(champion)), ReleaseFiles.Read(session, parsed.GetRequiredValue(challenger)), parsed.GetRequiredValue(study), cancellationToken);
            var table = new TextTable([.. new[] { "market", "rows", "metric", "difference", "p", "verdict" }.Select(c => session.Text("compare." + c))]);
            foreach (var market in compared)
                foreach (var d in market.Differences.Where(d => d.Metric is MetricNames.RocAuc or MetricNames.Accuracy or MetricNames.LogLoss or MetricNames.Rmse && double.IsFinite(d.Difference)))
                    table.Add(
                        market.Market, market.Rows.ToString("N0", session.Language), new ReportTexts(session.Language).Metric(d.Metric), $"{d.Difference.ToString("+0.000;-0.000", session.Language)} [{d.Low.ToString("0.000", session.Language)}, {d.High.ToString("0.000", session.Language)}]",
                        d.P.ToString("0.000", session.Language), session.Text("compare." + Verdict(d)));
            foreach (var line in table.Lines()) session.Out.Line(line);
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    private static string Verdict(MetricDifference d) => d.P >= 0.05 ? "unsure" : d.Difference > 0 == MetricNames.HigherIsBetter(d.Metric) ? "better" : "worse";
}
