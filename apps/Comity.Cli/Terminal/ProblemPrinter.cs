using Comity.Declarations;

namespace Comity.Cli.Terminal;

/// <summary>Prints problems all in one go: where, found, expected, remedy.</summary>
internal static class ProblemPrinter
{
    /// <param name="session">Language and streams.</param>
    /// <param name="problems">What was found.</param>
    /// <param name="closing">Last line; null: how many there were, and that nothing was written.</param>
    public static void Print(Session session, IReadOnlyList<Problem> problems, string? closing = null)
    {
        var output = session.Error;
        foreach (var problem in InReadingOrder(problems))
        {
            var error = problem.Severity == Severity.Error;
            var word = session.Text(error ? "problem.error" : "problem.warning");
            output.Line($"{output.Bold(Where(problem.Place))}: {(error ? output.Red(word) : output.Yellow(word))} [{problem.Code}]");
            output.Line($"  {session.Text("problem.found")} {problem.Found(session.Language)}");
            output.Line($"  {session.Text("problem.expected")} {problem.Expected(session.Language)}");
            output.Line($"  {session.Text("problem.remedy")} {problem.Remedy(session.Language)}");
        }
        var errors = problems.Count(p => p.Severity == Severity.Error);
        if (errors > 0) output.Line(closing ?? session.Text("problem.count", errors, problems.Count - errors));
    }

    // File by file as they were met, each from its top to its end, as a user goes through them.
    private static IEnumerable<Problem> InReadingOrder(IReadOnlyList<Problem> problems)
    {
        var files = problems.Select(p => p.Place.File).Distinct(StringComparer.Ordinal).ToList();
        return problems.OrderBy(p => files.IndexOf(p.Place.File)).ThenBy(p => p.Place.Line).ThenBy(p => p.Place.Column);
    }

    /// <summary>Shows a path under the current directory as the user would type it.</summary>
    private static string Where(Place place)
    {
        if (!Path.IsPathRooted(place.File)) return place.ToString();
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), place.File);
        return (relative.StartsWith("..", StringComparison.Ordinal) ? place : place with { File = relative }).ToString();
    }
}
