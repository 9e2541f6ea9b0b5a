using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Comity.Cli.Composition;
using Comity.Cli.Terminal;
using Comity.Declarations;

namespace Comity.Cli.Commands;

/// <summary><c>comity check STUDY</c>: validates the study and every site's data against the contract; trains nothing but what <c>clean.labelAudit</c> asks for.</summary>
internal static class CheckCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Create(Session session)
    {
        var study = CommonOptions.Study(session);
        var json = CommonOptions.Json(session);
        var command = new Command("check", session.Text("check.description")) { study, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var problems = new ProblemList();
            var (checkedStudy, tables) = CheckedStudy.Read(session.Language, parsed.GetRequiredValue(study), problems, _ => { }, cancellationToken);
            if (!problems.HasErrors && SiteLabels.Of(checkedStudy!, tables!, cancellationToken) is { } labels)
                problems.AddRange(labels.Select(l => l.Warning(checkedStudy!)).OfType<Problem>());
            if (parsed.GetValue(json)) session.Out.Line(Json(session, problems).ToJsonString(Indented));
            else ProblemPrinter.Print(session, problems);
            if (problems.HasErrors) return Task.FromResult((int)ExitCode.InvalidStudy);
            if (!parsed.GetValue(json)) session.Out.Line(session.Text("check.done", tables!.Count, tables.Sum(t => t.Rows)));
            return Task.FromResult((int)ExitCode.Done);
        });
        return command;
    }

    private static JsonArray Json(Session session, ProblemList problems) => new([.. problems.Select(p => (JsonNode)new JsonObject
    {
        ["code"] = p.Code,
        ["severity"] = p.Severity == Severity.Error ? "error" : "warning",
        ["file"] = p.Place.File,
        ["line"] = p.Place.Line,
        ["column"] = p.Place.Column,
        ["path"] = p.Place.Path,
        ["found"] = p.Found(session.Language),
        ["expected"] = p.Expected(session.Language),
        ["remedy"] = p.Remedy(session.Language),
    })]);
}
