using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Comity.Cli.Composition;
using Comity.Cli.Terminal;
using Comity.Data.Identifiers;
using Comity.Data.Quality;

namespace Comity.Cli.Commands;

/// <summary><c>comity data describe STUDY</c>: what each site's records look like, without showing one; with <c>clean.labelAudit</c> also which labels look wrong, for the owner.</summary>
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
            var labels = SiteLabels.Of(read.Study, read.Tables, cancellationToken);
            if (parsed.GetValue(json)) session.Out.Line(Json(read.Study, sites, labels).ToJsonString(Options));
            else
            {
                for (var i = 0; i < sites.Count; i++)
                {
                    Print(session, sites[i], parsed.GetValue(threshold));
                    if (labels is not null) Print(session, labels[i].Audit, read.Study);
                }
            }
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
                Drift(session, column),
                string.Join(", ", column.Levels.Select(l => $"{l.Level} {Count(l.Rows)}")));
        }
        var lines = table.Lines().ToList();
        output.Line(output.Dim(lines[0]));
        foreach (var line in lines.Skip(1)) output.Line(line);
        foreach (var column in site.Columns)
        {
            if (IdentifierScan.Of(column.Column, column.Levels.Select(l => l.Level)) is { } found)
                session.Error.Line(session.Error.Yellow(session.Text("data.describe.identifier", column.Column, session.Text("identifier." + JsonNamingPolicy.KebabCaseLower.ConvertName(found.Kind.ToString())))));
        }
    }

    private static void Print(Session session, LabelAuditResult audit, ComposedStudy study)
    {
        var output = session.Out;
        var listed = Math.Min(audit.Suspicious.Count, study.Clean.LabelAudit!.List);
        output.Line();
        output.Line(session.Text("data.describe.labels", audit.Suspicious.Count, audit.Rows, audit.NoiseShare));
        if (listed == 0) return;
        var table = new TextTable([.. new[] { "row", "given", "likely", "confidence" }.Select(c => session.Text("data.describe." + c))]);
        foreach (var label in audit.Suspicious.Take(listed))
            table.Add(label.Row.ToString(CultureInfo.InvariantCulture), study.Classes[label.Given], study.Classes[label.Likely], label.Confidence.ToString("P0", session.Language));
        foreach (var line in table.Lines()) output.Line(line);
        if (listed < audit.Suspicious.Count) output.Line(session.Text("data.describe.labels-more", audit.Suspicious.Count - listed));
    }

    private static JsonArray Json(ComposedStudy study, IReadOnlyList<TableQuality> sites, IReadOnlyList<SiteLabels>? labels) => new([.. sites.Select((site, i) =>
    {
        var node = JsonSerializer.SerializeToNode(site, Options)!.AsObject();
        if (labels is not null) node["labelAudit"] = Json(study, labels[i].Audit);
        return node;
    })]);

    private static JsonObject Json(ComposedStudy study, LabelAuditResult audit) => new()
    {
        ["rows"] = audit.Rows,
        ["found"] = audit.Suspicious.Count,
        ["noiseShare"] = audit.NoiseShare,
        ["suspicious"] = new JsonArray([.. audit.Suspicious.Take(study.Clean.LabelAudit!.List).Select(label => new JsonObject
        {
            ["row"] = label.Row,
            ["given"] = study.Classes[label.Given],
            ["likely"] = study.Classes[label.Likely],
            ["confidence"] = label.Confidence,
            ["givenConfidence"] = label.GivenConfidence,
        })]),
    };

    private static string Drift(Session session, ColumnSummary column) => column.Drift?.ToString("N2", session.Language) is not { } drift ? Nothing
        : column.Drift > 0.25 && column.DriftMissingShare >= 0.5 ? session.Text("data.describe.drift-missing", drift) : drift;

    private static string Number(double? value, CultureInfo culture) =>
        value is { } x && double.IsFinite(x) ? x.ToString(Math.Abs(x) >= 100 ? "N0" : Math.Abs(x) >= 10 ? "N1" : "N2", culture) : Nothing;
}
