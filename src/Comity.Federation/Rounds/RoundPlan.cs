using System.Collections.Immutable;
using Comity.Federation.Privacy;

namespace Comity.Federation.Rounds;

/// <summary>Who is asked in a round and who must answer.</summary>
/// <param name="Round">Round, from 1.</param>
/// <param name="Cohort">Sites asked, in site order.</param>
/// <param name="Quorum">How many must answer.</param>
/// <param name="Required">Sites of the cohort that must answer.</param>
public sealed record RoundPlan(int Round, IReadOnlyList<string> Cohort, int Quorum, IReadOnlyList<string> Required)
{
    private readonly HashSet<string> _asked = new(Cohort, StringComparer.Ordinal);

    /// <summary>Sites asked, in site order.</summary>
    public IReadOnlyList<string> Cohort { get; } = Cohort;

    /// <summary>Whether a site is asked; the same for a thousand sites as for two.</summary>
    public bool Asks(string site) => _asked.Contains(site);

    /// <summary>The privacy that each site's update must show, by site; null: none was promised.</summary>
    public IReadOnlyDictionary<string, RecordPrivacy>? Private { get; init; }
}

/// <summary>How a round ended.</summary>
public abstract record RoundOutcome
{
    private RoundOutcome() { }

    /// <summary>Enough sites answered.</summary>
    /// <param name="Sites">Contributors in site order.</param>
    public sealed record Aggregated(IReadOnlyList<string> Sites) : RoundOutcome;

    /// <summary>Too few sites answered.</summary>
    public sealed record QuorumMissed(int Replied, int Required) : RoundOutcome;

    /// <summary>Sites that must answer did not.</summary>
    public sealed record RequiredSiteMissing(IReadOnlyList<string> Sites) : RoundOutcome;
}

/// <summary>Where the coordinator stands in a round.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Received">Updates taken, by site.</param>
/// <param name="Rejected">Reasons of refused updates, by site.</param>
/// <param name="Silent">Sites that were given up.</param>
/// <param name="Outcome">Null while the round is open.</param>
public sealed record CoordinatorState(
    RoundPlan Plan, ImmutableDictionary<string, UpdateHeader> Received, ImmutableDictionary<string, string> Rejected, ImmutableHashSet<string> Silent, RoundOutcome? Outcome)
{
    /// <summary>Sites of the cohort from which nothing is known yet.</summary>
    public IEnumerable<string> Awaited => Plan.Cohort.Where(s => !Received.ContainsKey(s) && !Rejected.ContainsKey(s) && !Silent.Contains(s));
}

/// <summary>What reaches the coordinator's machine.</summary>
public abstract record CoordinatorMessage
{
    private CoordinatorMessage() { }

    /// <summary>An update arrived and was measured here.</summary>
    /// <param name="Header">What the site says of it.</param>
    /// <param name="Gate">What the coordinator's own gate found in the body.</param>
    /// <param name="Sha256">Digest of the body as it arrived.</param>
    public sealed record UpdateArrived(UpdateHeader Header, GateVerdict Gate, string Sha256) : CoordinatorMessage;

    /// <summary>A site answered without an update.</summary>
    public sealed record SiteRefused(string Site, int Round, string Reason) : CoordinatorMessage;

    /// <summary>A site's line broke for good.</summary>
    public sealed record SiteLost(string Site) : CoordinatorMessage;

    /// <summary>The deadline passed: those still awaited are absent.</summary>
    public sealed record DeadlinePassed : CoordinatorMessage;
}

/// <summary>What the coordinator's machine wants done.</summary>
public abstract record CoordinatorAction
{
    private CoordinatorAction() { }

    /// <summary>Offer the round to a site.</summary>
    public sealed record Offer(string Site) : CoordinatorAction;

    /// <summary>Spool the update; it counts.</summary>
    public sealed record Take(UpdateHeader Header) : CoordinatorAction;

    /// <summary>Drop the update and tell the site why.</summary>
    public sealed record Reject(string Site, string Reason) : CoordinatorAction;

    /// <summary>The update was taken before: acknowledge it again, spool nothing.</summary>
    public sealed record AcknowledgeAgain(string Site) : CoordinatorAction;

    /// <summary>The round is over.</summary>
    public sealed record Close(RoundOutcome Outcome) : CoordinatorAction;
}
