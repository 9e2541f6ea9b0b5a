using Comity.Federation.Results;

namespace Comity.Insight.Evidence;

/// <summary>Test rows too few to judge by.</summary>
/// <param name="Site">The site.</param>
/// <param name="Class">The class that is rare or missing; null: rows as a whole are few.</param>
/// <param name="Fewest">Fewest such rows in a repeat.</param>
/// <param name="Most">Most such rows in a repeat.</param>
public sealed record ThinEvidence(string Site, string? Class, int Fewest, int Most)
{
    /// <summary>Below so many rows of a class a score of ranking or of recall moves by tenths with one row.</summary>
    public const int FewOfAClass = 10;

    /// <summary>Below so many rows a mean is hardly known.</summary>
    public const int FewRows = 30;

    /// <summary>Every site and class with too few test rows.</summary>
    public static IReadOnlyList<ThinEvidence> Find(StudyResults results) => Find(results, new TestScores(results));

    /// <summary>Whether the rows are counts with noise, so that there may be more or fewer.</summary>
    public bool IsNoised { get; init; }

    internal static IReadOnlyList<ThinEvidence> Find(StudyResults results, TestScores scores)
    {
        var found = new List<ThinEvidence>();
        foreach (var site in results.Sites)
        {
            var tests = results.Models.Select(m => scores.Tests(m.Id, site.Id)).FirstOrDefault(t => t.Count > 0);
            if (tests is null || tests.All(t => t.Result.Rows == 0 && t.Result.Warnings.Any(w => w is "site-absent" or "site-withdrew"))) continue; // nothing is known, not little
            var noised = tests.Any(t => t.Release == "noised");
            var (fewest, most) = (tests.Min(t => t.Result.Rows), tests.Max(t => t.Result.Rows));
            if (fewest < FewRows) found.Add(new(site.Id, null, fewest, most) { IsNoised = noised });
            for (var i = 0; i < results.Classes.Count; i++)
            {
                var counts = tests.Where(t => t.Result.ClassCounts.Count > i).Select(t => t.Result.ClassCounts[i]).ToList();
                if (counts.Count > 0 && counts.Min() < FewOfAClass) found.Add(new(site.Id, results.Classes[i], counts.Min(), counts.Max()) { IsNoised = noised });
            }
        }
        return found;
    }
}
