using System.Globalization;
using Comity.Declarations;
using Comity.Privacy.Accounting;
using Comity.Privacy.Events;

namespace Comity.Federation.Privacy;

/// <summary>A plan that would cost more than a lifetime budget has left, and what would fit.</summary>
/// <param name="Budget">The budget.</param>
/// <param name="Spent">ε spent or reserved so far, at the budget's δ.</param>
/// <param name="Together">ε with the plan.</param>
/// <param name="FittingShare">The largest share of the plan's releases that would fit, in hundredths, from 0 to 0.99.</param>
public sealed record BudgetExceeded(LifetimeBudget Budget, double Spent, double Together, double FittingShare)
{
    internal Problem ToProblem(string site, Place place)
    {
        static string Text(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
        return Messages.Problem("budget-exceeded", place, site, Text(Together), Text(Budget.Epsilon), Text(Spent), (FittingShare * 100).ToString("0", CultureInfo.InvariantCulture) + " %");
    }

    internal static BudgetExceeded? Judge(LifetimeBudget budget, IReadOnlyList<LedgerItem> before, IReadOnlyList<LedgerItem> plan, IPrivacyAccountant accountant)
    {
        var together = Cost([.. before, .. plan], budget.Delta, accountant);
        if (together <= budget.Epsilon) return null;
        var (low, high) = (0, 100);
        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            if (Cost([.. before, .. plan.Select(i => i with { Count = i.Count * middle / 100 })], budget.Delta, accountant) <= budget.Epsilon) low = middle;
            else high = middle;
        }
        return new BudgetExceeded(budget, Cost(before, budget.Delta, accountant), together, low / 100.0);
    }

    /// <summary>ε of several releases about the same records.</summary>
    internal static double Cost(IReadOnlyList<LedgerItem> items, double delta, IPrivacyAccountant accountant) =>
        items.Sum(i => i.Count) == 0 ? 0 : accountant.Epsilon(PrivacyEvent.All([.. items.Select(i => i.Event.Times(i.Count))]), delta);
}
