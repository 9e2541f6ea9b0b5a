namespace Comity.Insight.Evidence;

/// <summary>A line of a table of what left.</summary>
/// <param name="Of">Of which site, for which study, or of how many sites.</param>
/// <param name="Kind">What: <c>update</c>, <c>statistics</c>, …</param>
/// <param name="Peer">To whom.</param>
/// <param name="Rule">Under which policy rule; empty: none.</param>
/// <param name="Times">How many.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Charged">How many the ledger was charged for.</param>
/// <param name="LargestEpsilon">ε of the dearest one alone.</param>
/// <param name="Delta">At this δ.</param>
public sealed record LeftLine(string Of, string Kind, string Peer, string Rule, long Times, long Bytes, long Charged, double LargestEpsilon, double Delta)
{
    /// <summary>One line for each kind, peer and rule of each site.</summary>
    public static IReadOnlyList<LeftLine> BySite(IReadOnlyList<SiteLog> logs) =>
        [.. logs.SelectMany(l => l.Left.Select(d => (l.Site, Left: d)).GroupBy(d => (d.Site, d.Left.Kind, d.Left.Peer, d.Left.Rule)).Select(g => Sum(g.Key.Site, [.. g.Select(d => d.Left)])))];

    /// <summary>One line for each study, kind, peer and rule of a site.</summary>
    public static IReadOnlyList<LeftLine> ByStudy(SiteLog log)
    {
        ArgumentNullException.ThrowIfNull(log);
        return [.. log.Left.Select(d => Sum(d.Study, [d]))];
    }

    /// <summary>One line for each kind, peer and rule of all sites together.</summary>
    /// <param name="logs">The sites' logs.</param>
    /// <param name="of">Says how many sites a line is about.</param>
    public static IReadOnlyList<LeftLine> Together(IReadOnlyList<SiteLog> logs, Func<int, string> of) =>
        [.. logs.SelectMany(l => l.Left.Select(d => (l.Site, Left: d))).GroupBy(d => (d.Left.Kind, d.Left.Peer, d.Left.Rule)).Select(g => Sum(of(g.Select(d => d.Site).Distinct().Count()), [.. g.Select(d => d.Left)]))];

    private static LeftLine Sum(string of, List<Federation.Audit.Departure> left)
    {
        var dearest = left.MaxBy(d => d.LargestEpsilon)!;
        return new(of, left[0].Kind, left[0].Peer, left[0].Rule, left.Sum(d => (long)d.Times), left.Sum(d => d.Bytes), left.Sum(d => (long)d.Charged), dearest.LargestEpsilon, dearest.Delta);
    }
}
