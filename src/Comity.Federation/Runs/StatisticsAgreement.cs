using System.Text;
using Comity.Declarations;
using Comity.Federation.Sites;

namespace Comity.Federation.Runs;

/// <summary>Merges the sites' statistics in site order.</summary>
public static class StatisticsAgreement
{
    /// <summary>Merges parts of the same name.</summary>
    /// <param name="bySite">One for each site, in site order.</param>
    /// <exception cref="InvalidDeclarationException">Sites give parts of different lengths.</exception>
    public static Statistics Merge(IReadOnlyList<Statistics> bySite)
    {
        ArgumentNullException.ThrowIfNull(bySite);
        var order = new List<string>();
        var merged = new Dictionary<string, StatisticPart>(StringComparer.Ordinal);
        var problems = new List<Problem>();
        foreach (var part in bySite.SelectMany(s => s.Parts))
        {
            if (!merged.TryGetValue(part.Name, out var before))
            {
                order.Add(part.Name);
                merged[part.Name] = part with { Labels = part.Merge == MergeRule.Union ? Sorted(part.Labels) : part.Labels };
            }
            else if (before.Values.Count != part.Values.Count || before.Merge != part.Merge)
            {
                problems.Add(Messages.Problem("statistics-differ", Place.InFile(""), part.Name, before.Values.Count, part.Values.Count));
            }
            else
            {
                merged[part.Name] = Join(before, part);
            }
        }
        return problems.Count == 0 ? new Statistics([.. order.Select(name => merged[name])]) : throw new InvalidDeclarationException(problems);
    }

    /// <summary>Bytes that the statistics take when they leave a site.</summary>
    internal static long Bytes(Statistics statistics) =>
        statistics.Parts.Sum(p => Encoding.UTF8.GetByteCount(p.Name) + (8L * p.Values.Count) + p.Labels.Sum(l => (long)Encoding.UTF8.GetByteCount(l) + 1));

    private static StatisticPart Join(StatisticPart a, StatisticPart b) => a.Merge switch
    {
        MergeRule.Sum => a with { Values = [.. a.Values.Zip(b.Values, (x, y) => x + y)] },
        MergeRule.Min => a with { Values = [.. a.Values.Zip(b.Values, Math.Min)] },
        MergeRule.Max => a with { Values = [.. a.Values.Zip(b.Values, Math.Max)] },
        MergeRule.Union => a with { Labels = Sorted(a.Labels.Concat(b.Labels)) },
        _ => throw new ArgumentOutOfRangeException(nameof(a), a.Merge, "Unknown rule."),
    };

    private static string[] Sorted(IEnumerable<string> labels) => [.. labels.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
