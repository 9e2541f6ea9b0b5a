using Comity.Declarations;
using Comity.Federation.Studies;

namespace Comity.Federation.Policies;

/// <summary>What must hold between a study's policy section and its markets.</summary>
internal static class PolicyChecks
{
    public static void Check(StudySection study, DeclaredNode.Map at, ProblemList problems)
    {
        if (study.Policy is not { } policy || at["policy"] is not { } node) return;
        var markets = study.Markets.Select(m => m.Id).ToHashSet(StringComparer.Ordinal);
        var named = policy.Individuals.Keys.Concat(policy.Covered.SelectMany(c => new[] { c.From, c.To })).Where(m => m is not null and not "*" && !markets.Contains(m)).Distinct(StringComparer.Ordinal);
        foreach (var market in named) problems.Add(Messages.Problem("unknown-market", node.Place, market, string.Join(", ", markets), Spelling.Nearest(market, markets) ?? markets.FirstOrDefault()));
        if (policy.Sensitive.Contains(SensitiveData.Any)) problems.Add(Messages.Problem("policy-any", node.Place));
        if (policy.Anonymous && policy.Sensitive.Count > 0) problems.Add(Messages.Problem("policy-anonymous-sensitive", node.Place));
        foreach (var (market, count) in policy.Individuals.Where(i => i.Value < 0)) problems.Add(Messages.Problem("policy-individuals", node.Place, market, count));
    }
}
