using Comity.Federation.Audit;
using Comity.Federation.Rounds;
using Comity.Federation.Sites;

namespace Comity.Federation.Runs;

/// <summary>Something that is about to leave a site, after its gate has let it through: what an audit log writes down. Refused answers never stand there.</summary>
/// <param name="Site">Whose.</param>
public abstract record Leaving(string Site)
{
    /// <summary>What the site's ledger was charged for it; null: nothing.</summary>
    public AuditCharge? Charge { get; init; }

    /// <summary>One step of the statistics, as it leaves: with its noise, where the study promises privacy.</summary>
    public sealed record OfStatistics(string Site, StatisticsTask Task, Statistics Content) : Leaving(Site);

    /// <summary>Counts behind a model's metrics, with their noise.</summary>
    public sealed record OfCounts(string Site, CountTask Task, Statistics Content) : Leaving(Site);

    /// <summary>Numbers under masks, of which only the sum over sites will be known; the header carries size and digest of the bytes.</summary>
    public sealed record OfNumbers(string Site, SumTask Task, UpdateHeader Header) : Leaving(Site);

    /// <summary>An update; its header carries size and digest of the bytes.</summary>
    public sealed record OfUpdate(string Site, int Repeat, string Model, UpdateHeader Header) : Leaving(Site);
}
