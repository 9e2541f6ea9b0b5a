using System.Globalization;
using Comity.Cli.Commands;
using Comity.Federation.Privacy;
using Comity.Federation.Studies;
using Comity.Serving.Releases;

namespace Comity.Cli.Loop;

/// <summary>What a proposed study would spend of privacy, beside what the release in service spent and what lifetime budgets leave.</summary>
internal static class NextBudgets
{
    /// <summary>One line for each thing that whoever decides must know.</summary>
    /// <param name="session">Language.</param>
    /// <param name="study">The proposed study.</param>
    /// <param name="release">The release in service.</param>
    /// <param name="ledger">The ledger of earlier studies; null: none was named.</param>
    public static IReadOnlyList<string> Of(Session session, StudySection study, Release release, PrivacyLedger? ledger)
    {
        var planned = study.Privacy?.DifferentialPrivacy;
        var lines = new List<string>
        {
            planned is null ? session.Text("next.privacy-none") : session.Text("next.privacy-planned", Show(planned.Epsilon), Show(planned.Delta), session.Text("next.unit." + planned.Unit.ToString().ToLowerInvariant())),
        };
        // Basic composition (Dwork and Roth 2014, theorem 3.16): sums hold for whatever was released before.
        foreach (var site in release.Manifest.Privacy.GroupBy(c => c.Site))
        {
            var (epsilon, delta) = (site.Sum(c => c.Epsilon), site.Sum(c => c.Delta));
            lines.Add(planned is null ? session.Text("next.privacy-spent", site.Key, Show(epsilon), Show(delta))
                : session.Text("next.privacy-together", site.Key, Show(epsilon), Show(delta), Show(epsilon + planned.Epsilon), Show(delta + planned.Delta)));
        }
        if (ledger is null) return lines;
        foreach (var budget in ledger.Budgets())
        {
            var spent = ledger.Spent(budget);
            var left = Math.Max(0, budget.Epsilon - spent);
            var fits = planned is null || planned.Epsilon <= left;
            lines.Add(session.Text(planned is null ? "next.budget" : fits ? "next.budget-enough" : "next.budget-short", budget.Name, Show(budget.Epsilon), Show(budget.Delta), PrivacyLedgerCommand.Show(session, spent), Show(left)));
        }
        return lines;
    }

    private static string Show(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
