using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Comity.Cli.Sites;
using Comity.Cli.Terminal;
using Comity.Declarations;
using Comity.Federation.Audit;
using Comity.Federation.Privacy;
using Comity.Insight.Evidence;
using Comity.Insight.Results;
using Comity.Insight.Sites;

namespace Comity.Cli.Commands;

/// <summary><c>comity site left</c>: what left the site, under which rule, at what cost, from its own audit log and ledger.</summary>
internal static class SiteLeftCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Create(Session session)
    {
        var config = SiteCommand.Config(session);
        var json = CommonOptions.Json(session);
        var page = new Option<string?>("--html") { Description = session.Text("option.site-page"), HelpName = "FILE" };
        page.CompletionSources.Add(CommonOptions.Paths);
        var command = new Command("left", session.Text("site.left.description")) { config, json, page };
        command.SetAction(async (parsed, _) =>
        {
            var site = DeclaredSite.Read(parsed.GetRequiredValue(config));
            var path = Path.Combine(site.StateFolder, "audit.jsonl");
            if (!File.Exists(path)) throw new StoppedException(ExitCode.Usage, Texts.Problem("audit-missing-file", Place.InFile(path), path));
            var log = AuditVerdict.Of(path);
            var older = LedgerBinding.Check(log, session.Time);
            var findings = older is null ? log.Findings : [.. log.Findings, older];
            var wrong = findings.Where(f => f.Severity == Severity.Error).ToList();
            var (left, costs) = (Departure.Of(log), older?.Code is "ledger-edited" or "ledger-unreadable" ? [] : Costs(site.StateFolder, session, log));
            if (parsed.GetValue(page) is { } file)
            {
                var rendered = await SitePage.RenderAsync(View(session, log, costs, wrong));
                OutputFile.Write(file, () => AtomicFile.Write(file, rendered));
            }
            if (parsed.GetValue(json)) session.Out.Line(Json(log, left, costs, wrong.Count == 0).ToJsonString(Indented));
            else Print(session, log, left, costs);
            // What does not hold is shown all the same, and said to be no evidence.
            if (wrong.Count > 0) ProblemPrinter.Print(session, wrong, session.Text("site.left.broken", wrong.Count));
            return (int)(wrong.Count == 0 ? ExitCode.Done : ExitCode.Audit);
        });
        return command;
    }

    // The ledger's own account of all releases of a study together; those of single releases add up to more.
    private static List<(LedgerEntry Entry, double Epsilon, double Delta)> Costs(string state, Session session, AuditVerdict log)
    {
        var path = Path.Combine(state, PrivacyLedger.FileName);
        if (!File.Exists(path)) return [];
        using var ledger = PrivacyLedger.Open(path, session.Time);
        return [.. ledger.Entries().Where(e => e.Answers > 0).Select(e =>
        {
            var delta = log.Lines.Select(l => l.Entry).FirstOrDefault(l => l.Study == e.Account.Run && l.Charge is not null)?.Charge!.Delta ?? 1e-5;
            return (e, e.ChargedEpsilon(delta), delta);
        })];
    }

    private static SiteView View(Session session, AuditVerdict log, List<(LedgerEntry Entry, double Epsilon, double Delta)> costs, List<Problem> wrong) => new(
        SiteLog.Of(log),
        [.. costs.Select(c => new SiteCost(c.Entry.Account.Study, c.Entry.Account.DataSet, c.Entry.Answers, c.Epsilon, c.Delta))],
        [.. wrong.Select(w => $"{Path.GetFileName(w.Place.File)}: {w.Found(session.Language)}")],
        session.Language);

    private static void Print(Session session, AuditVerdict log, IReadOnlyList<Departure> left, List<(LedgerEntry Entry, double Epsilon, double Delta)> costs)
    {
        session.Out.Line(session.Text("site.left.title", log.Party, left.Sum(d => d.Times), left.Sum(d => d.Bytes)));
        var table = new TextTable([.. new[] { "study", "kind", "peer", "times", "bytes", "charged", "rule", "last" }.Select(c => session.Text("site.left." + c))]);
        foreach (var d in left)
        {
            table.Add(d.Study, d.Kind, d.Peer, d.Times.ToString("N0", session.Language), d.Bytes.ToString("N0", session.Language), d.Charged == 0 ? "–" : d.Charged.ToString("N0", session.Language), d.Rule.Length == 0 ? "–" : d.Rule,
                d.Last.ToString("u", CultureInfo.InvariantCulture));
        }
        foreach (var line in table.Lines()) session.Out.Line(line);
        foreach (var (entry, epsilon, delta) in costs)
            session.Out.Line(session.Text("site.left.cost", entry.Account.Study, entry.Account.Run, entry.Account.DataSet, PrivacyLedgerCommand.Show(session, epsilon), delta, entry.Answers));
        session.Out.Line(session.Text(costs.Count == 0 ? "site.left.no-cost" : "site.left.together"));
    }

    private static JsonObject Json(AuditVerdict log, IReadOnlyList<Departure> left, List<(LedgerEntry Entry, double Epsilon, double Delta)> costs, bool holds) => new()
    {
        ["site"] = log.Party, ["holds"] = holds,
        ["left"] = new JsonArray([.. left.Select(d => (JsonNode)new JsonObject
        {
            ["study"] = d.Study, ["kind"] = d.Kind, ["peer"] = d.Peer, ["rule"] = d.Rule, ["times"] = d.Times, ["bytes"] = d.Bytes, ["charged"] = d.Charged,
            ["largestEpsilon"] = d.Charged == 0 ? null : d.LargestEpsilon, ["delta"] = d.Charged == 0 ? null : d.Delta, ["first"] = d.First, ["last"] = d.Last,
        })]),
        ["costs"] = new JsonArray([.. costs.Select(c => (JsonNode)new JsonObject
        {
            ["study"] = c.Entry.Account.Study, ["run"] = c.Entry.Account.Run, ["dataSet"] = c.Entry.Account.DataSet, ["answers"] = c.Entry.Answers, ["epsilon"] = c.Epsilon, ["delta"] = c.Delta,
        })]),
    };
}
