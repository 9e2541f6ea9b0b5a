using System.CommandLine;
using Comity.Cli.Accounting;
using Comity.Federation.Privacy;

namespace Comity.Cli.Commands;

/// <summary><c>comity privacy budget</c>: what all studies together may cost a data set or a site over its lifetime.</summary>
internal static class PrivacyBudgetCommand
{
    public static Command Create(Session session)
    {
        var file = new Argument<string>("LEDGER") { Description = session.Text("argument.ledger-new") };
        var dataSet = new Option<string?>("--data-set") { Description = session.Text("option.budget-data-set"), HelpName = "NAME" };
        var site = new Option<string?>("--site") { Description = session.Text("option.budget-site"), HelpName = "ID" };
        var epsilon = new Option<string?>("--epsilon") { Description = session.Text("option.budget-epsilon"), HelpName = "EPSILON" };
        var delta = new Option<string?>("--delta") { Description = session.Text("option.privacy-delta"), HelpName = "DELTA" };
        var command = new Command("budget", session.Text("privacy.budget.description")) { file, dataSet, site, epsilon, delta };
        command.SetAction(parsed =>
        {
            var values = new TypedValues();
            var (named, at) = (parsed.GetValue(dataSet), parsed.GetValue(site));
            var budget = (Epsilon: values.Number(epsilon.Name, parsed.GetValue(epsilon), PlannedTraining.IsEpsilon), Delta: values.Number(delta.Name, parsed.GetValue(delta), PlannedTraining.IsDelta));
            if (string.IsNullOrEmpty(named) == string.IsNullOrEmpty(at)) values.Problems.Add(Texts.Problem("budget-scope", Declarations.Place.InFile("--data-set")));
            if (values.Problems.HasErrors) return PrivacyOptions.Refuse(session, command, values.Problems);
            using var ledger = PrivacyLedger.Open(LedgerFile.Named(parsed.GetRequiredValue(file)), session.Time);
            var (scope, name) = named is { Length: > 0 } ? (BudgetScope.DataSet, named) : (BudgetScope.Site, at!);
            ledger.SetBudget(new LifetimeBudget(scope, name, budget.Epsilon, budget.Delta));
            session.Out.Line(session.Text("budget.set", name, budget.Epsilon, budget.Delta));
            return (int)ExitCode.Done;
        });
        return command;
    }
}
