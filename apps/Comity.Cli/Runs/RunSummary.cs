using Comity.Cli.Terminal;
using Comity.Federation.Results;
using Comity.Insight.Evidence;
using Comity.Insight.Report;

namespace Comity.Cli.Runs;

/// <summary>What a run found, on one screen: models × markets, the recommended model, warnings in words, the report's place.</summary>
internal static class RunSummary
{
    public static void Print(Session session, StudyResults results, RunFolder folder)
    {
        var output = session.Out;
        var view = new ReportView(results, session.Language);
        output.Line();
        output.Line(output.Bold(session.Text("summary.title", view.Metric, view.IntervalNote)));
        var lines = Table(session, view).Lines().ToList();
        output.Line(output.Dim(lines[0]));
        output.Line(output.Dim(lines[1]));
        foreach (var line in lines.Skip(2)) output.Line(line);
        if (view.Matrix.Rows.Any(r => r.Cells.Any(c => c is { Best: true }))) output.Line(output.Dim(session.Text("summary.best")));
        output.Line();
        if (results.Recommended is { } recommended) output.Line(output.Green(session.Text("summary.recommended", view.ModelName(recommended))));
        foreach (var note in view.Notes) output.Line(output.Yellow(session.Text("summary.warning", note)));
        output.Line(session.Text("report.written", folder.Report));
    }

    private static TextTable Table(Session session, ReportView view)
    {
        var columns = view.Matrix.Columns;
        var table = new TextTable([session.Text("summary.model"), .. columns.Select(c => Name(session, view, c))]);
        table.Add(["", .. columns.Select(c => view.Rows(c.Rows))]);
        foreach (var row in view.Matrix.Rows)
        {
            // Each site's own model has a row of its own; the family's row stands for all of them and says no more.
            table.Add([view.ModelName(row.Model), .. row.Cells.Select(c => c is null ? Formats.Missing : (c.Best ? "* " : "") + view.F.WithInterval(c.Score))]);
        }
        return table;
    }

    private static string Name(Session session, ReportView view, MatrixColumn column) => column.Kind switch
    {
        MatrixColumnKind.Site => $"{column.Id} ({view.MarketName(column.Market)})",
        MatrixColumnKind.Market => view.MarketName(column.Id),
        MatrixColumnKind.Mean => session.Text("summary.mean"),
        _ => session.Text("summary.union"),
    };
}
