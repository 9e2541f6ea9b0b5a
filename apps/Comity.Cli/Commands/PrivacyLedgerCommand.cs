using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Comity.Cli.Accounting;
using Comity.Cli.Terminal;
using Comity.Declarations;
using Comity.Federation.Privacy;

namespace Comity.Cli.Commands;

/// <summary><c>comity privacy ledger</c>: what was released about whose records, what it cost, and what is left of lifetime budgets.</summary>
internal static class PrivacyLedgerCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(Session session)
    {
        var file = new Argument<string>("LEDGER") { Description = session.Text("argument.ledger") };
        var delta = new Option<string?>("--delta") { Description = session.Text("option.ledger-delta"), HelpName = "DELTA", DefaultValueFactory = _ => "1e-5" };
        var json = CommonOptions.Json(session);
        var command = new Command("ledger", session.Text("privacy.ledger.description")) { file, delta, json };
        command.SetAction(parsed =>
        {
            var values = new TypedValues();
            var at = values.Number(delta.Name, parsed.GetValue(delta), PlannedTraining.IsDelta);
            if (values.Problems.HasErrors) return PrivacyOptions.Refuse(session, command, values.Problems);
            using var ledger = LedgerFile.Open(parsed.GetRequiredValue(file), session);
            if (parsed.GetValue(json)) session.Out.Line(Json(ledger, at).ToJsonString(Indented));
            else Print(session, ledger, at);
            return (int)ExitCode.Done;
        });
        return command;
    }

    private static void Print(Session session, PrivacyLedger ledger, double delta)
    {
        var table = new TextTable(session.Text("ledger.site"), session.Text("ledger.data-set"), session.Text("ledger.study"), session.Text("ledger.state"), session.Text("ledger.answers"), "ε", session.Text("ledger.reserved"));
        foreach (var entry in ledger.Entries())
        {
            table.Add(entry.Account.Site, entry.Account.DataSet, entry.Account.Study, session.Text(entry.Open ? "ledger.open" : "ledger.closed"),
                entry.Answers.ToString("N0", session.Language), Show(session, entry.ChargedEpsilon(delta)), entry.Open ? Show(session, entry.ReservedEpsilon(delta)) : "–");
        }
        session.Out.Line(session.Text("ledger.title", ledger.Path, delta));
        foreach (var line in table.Lines()) session.Out.Line(line);
        foreach (var budget in ledger.Budgets())
            session.Out.Line(session.Text(budget.Scope == BudgetScope.DataSet ? "ledger.budget" : "ledger.site-budget", budget.Name, budget.Epsilon, budget.Delta, Show(session, ledger.Spent(budget))));
    }

    private static JsonObject Json(PrivacyLedger ledger, double delta)
    {
        return new JsonObject
        {
            ["delta"] = delta,
            ["accounts"] = new JsonArray([.. ledger.Entries().Select(e => (JsonNode)new JsonObject
            {
                ["site"] = e.Account.Site, ["dataSet"] = e.Account.DataSet, ["study"] = e.Account.Study, ["run"] = e.Account.Run, ["open"] = e.Open,
                ["answers"] = e.Answers, ["accountant"] = e.Accountant.Length == 0 ? null : e.Accountant, ["epsilon"] = e.ChargedEpsilon(delta), ["reservedEpsilon"] = e.ReservedEpsilon(delta),
            })]),
            ["budgets"] = new JsonArray([.. ledger.Budgets().Select(b => (JsonNode)new JsonObject
            {
                ["scope"] = b.Scope == BudgetScope.DataSet ? "dataSet" : "site", ["name"] = b.Name, ["epsilon"] = b.Epsilon, ["delta"] = b.Delta, ["spent"] = ledger.Spent(b),
            })]),
        };
    }

    // Upwards, as a bound that is rounded down is none.
    internal static string Show(Session session, double epsilon) => (Math.Ceiling(epsilon * 1000) / 1000).ToString("0.000", session.Language);
}

/// <summary>A ledger as a user names it: the file, or the folder of a run.</summary>
internal static class LedgerFile
{
    /// <summary>The file that a user means.</summary>
    public static string Named(string path) => Directory.Exists(path) ? Path.Combine(path, PrivacyLedger.FileName) : path;

    public static PrivacyLedger Open(string path, Session session)
    {
        var file = Named(path);
        if (!File.Exists(file)) throw new StoppedException(ExitCode.Usage, Texts.Problem("ledger-missing", Place.InFile(file), file));
        return PrivacyLedger.Open(file, session.Time);
    }
}
