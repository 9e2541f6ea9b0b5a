using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Comity.Cli.Composition;
using Comity.Cli.Terminal;
using Comity.Data.Quality;

namespace Comity.Cli.Commands;

/// <summary><c>comity data describe STUDY</c>: what each site's records look like, without showing one.</summary>
internal static class DataDescribeCommand
{
    private const string Nothing = "–";

    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    public static Command Create(Session session)
    {
        var study = CommonOptions.Study(session);
        var json = CommonOptions.Json(session);
        var threshold = new Option<int>("--threshold")
        {
            Description = session.Text("option.threshold"),
            HelpName = "N",
            DefaultValueFactory = _ => TableQuality.DefaultThreshold,
        };
        var command = new Command("describe", session.Text("data.describe.description")) { study, threshold, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var read = CheckedStudy.Read(session, parsed.GetRequiredValue(study), cancellationToken);
            var sites = TableQuality.DescribeAll(read.Tables, read.Study.Contract, parsed.GetValue(threshold));
            if (parsed.GetValue(json)) session.Out.Line(JsonSerializer.Serialize(sites, Options));
            else foreach (var site in sites) Print(session, site, parsed.GetValue(threshold));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    private static void Print(Session session, TableQuality site, int threshold)
    {
        var output = session.Out;
        string Count(int? count) => count?.ToString("N0", session.Language) ?? $"< {threshold}";
        output.Line();
        output.Line(output.Bold(session.Text("data.describe.site", site.Site, Count(site.Rows), Count(site.Duplicates))));
        if (site.LabelCounts.Count > 0)
            output.Line(session.Text("data.describe.label", string.Join(", ", site.LabelCounts.Select(l => $"{l.Level} {Count(l.Rows)}"))));
        var table = new TextTable([.. new[] { "column", "kind", "missing", "mean", "deviation", "low", "high", "drift", "values" }.Select(c => session.Text("data.describe." + c))]);
        foreach (var column in site.Columns.Concat(site.Label is { } label ? [label] : []))
        {
            table.Add(
                column.Column, JsonNamingPolicy.KebabCaseLower.ConvertName(column.Kind.ToString()),
                column.MissingShare?.ToString("P1", session.Language) ?? Nothing,
                Number(column.Mean, session.Language), Number(column.Deviation, session.Language), Number(column.Low, session.Language), Number(column.High, session.Language),
                column.Drift?.ToString("N2", session.Language) ?? Nothing,
                string.Join(", ", column.Levels.Select(l => $"{l.Level} {Count(l.Rows)}")));
        }
        var lines = table.Lines().ToList();
        output.Line(output.Dim(lines[0]));
        foreach (var line in lines.Skip(1)) output.Line(line);
    }

    private static string Number(double? value, CultureInfo culture) =>
        value is { } x && double.IsFinite(x) ? x.ToString(Math.Abs(x) >= 100 ? "N0" : Math.Abs(x) >= 10 ? "N1" : "N2", culture) : Nothing;
}
