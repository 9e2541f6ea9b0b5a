using Comity.Federation.Audit;

namespace Comity.Insight.Evidence;

/// <summary>What a site's audit log says left it, and whether the log holds.</summary>
/// <param name="Site">Whose log.</param>
/// <param name="Entries">Lines of it.</param>
/// <param name="Holds">Whether every line's form, number, chain and signature is right.</param>
/// <param name="Left">What left, by study, kind, peer and rule.</param>
public sealed record SiteLog(string Site, int Entries, bool Holds, IReadOnlyList<Departure> Left)
{
    /// <summary>Of a log that was judged.</summary>
    public static SiteLog Of(AuditVerdict log)
    {
        ArgumentNullException.ThrowIfNull(log);
        return new SiteLog(log.Party, log.Lines.Count, log.Holds, Departure.Of(log));
    }
}
