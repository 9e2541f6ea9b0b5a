using System.Collections.Immutable;
using Comity.Federation.Privacy;

namespace Comity.Federation.Rounds;

/// <summary>The coordinator's side of a round, as pure steps: no socket, clock or disk.</summary>
/// <remarks>
/// <code>
/// Start ─► Offer to each site ─► UpdateArrived (Take | Reject | AcknowledgeAgain) … SiteRefused … SiteLost … DeadlinePassed
///                                   └── all of the cohort accounted for, or deadline ──► Close(Aggregated | QuorumMissed | RequiredSiteMissing)
/// </code>
/// With one answer from each site, who contributed does not depend on the order in which the answers came.
/// </remarks>
public static class CoordinatorMachine
{
    /// <summary>Opens a round. <paramref name="spooled"/> are updates that an earlier process took already; their sites are not asked again.</summary>
    public static (CoordinatorState State, IReadOnlyList<CoordinatorAction> Actions) Start(RoundPlan plan, IEnumerable<UpdateHeader> spooled)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(spooled);
        var received = spooled.Where(h => h.Round == plan.Round && plan.Asks(h.Site)).ToImmutableDictionary(h => h.Site, StringComparer.Ordinal);
        var state = new CoordinatorState(plan, received, ImmutableDictionary<string, string>.Empty, [], null);
        var offers = state.Awaited.Select(s => (CoordinatorAction)new CoordinatorAction.Offer(s)).ToList();
        return offers.Count > 0 ? (state, offers) : Close(state, []);
    }

    /// <summary>One step.</summary>
    public static (CoordinatorState State, IReadOnlyList<CoordinatorAction> Actions) Step(CoordinatorState state, CoordinatorMessage message)
    {
        ArgumentNullException.ThrowIfNull(state);
        return message switch
        {
            CoordinatorMessage.UpdateArrived m => Arrived(state, m),
            CoordinatorMessage.SiteRefused m => Refused(state, m),
            CoordinatorMessage.SiteLost m when IsAwaited(state, m.Site) => CloseIfDone(state with { Silent = state.Silent.Add(m.Site) }, []),
            CoordinatorMessage.DeadlinePassed when state.Outcome is null => Close(state with { Silent = state.Silent.Union(state.Awaited) }, []),
            CoordinatorMessage.SiteLost or CoordinatorMessage.DeadlinePassed => (state, []),
            _ => throw new ArgumentOutOfRangeException(nameof(message), message, "Unknown message."),
        };
    }

    private static (CoordinatorState, IReadOnlyList<CoordinatorAction>) Arrived(CoordinatorState state, CoordinatorMessage.UpdateArrived message)
    {
        var site = message.Header.Site;
        if (message.Header.Round != state.Plan.Round) return (state, [new CoordinatorAction.Reject(site, RefusalReason.WrongRound)]);
        if (!state.Plan.Asks(site)) return (state, [new CoordinatorAction.Reject(site, RefusalReason.NotInvited)]);
        if (state.Received.TryGetValue(site, out var earlier))
        {
            // A resend sends the same bytes. Other bytes are an error at the site, or somebody else; the first stand.
            return (state, [earlier.Sha256 == message.Sha256 ? new CoordinatorAction.AcknowledgeAgain(site) : new CoordinatorAction.Reject(site, RefusalReason.Conflicting)]);
        }
        if (state.Outcome is not null || state.Silent.Contains(site)) return (state, [new CoordinatorAction.Reject(site, RefusalReason.WrongRound)]);
        var reason = message.Gate.Refusal
            ?? (message.Header.Sha256 != message.Sha256 ? RefusalReason.WrongDigest
                : message.Header.Rows <= 0 ? RefusalReason.NoRows
                : state.Plan.Private is { } asked && (message.Header.Released is not { } released || !SiteGate.Keeps(released, asked[site])) ? RefusalReason.Unprotected
                : (message.Header.Released is not null || double.IsFinite(message.Header.Loss)) && double.IsFinite(message.Header.NormalizedSteps) ? null : RefusalReason.NotFinite);
        return reason is null
            ? CloseIfDone(state with { Received = state.Received.Add(site, message.Header), Rejected = state.Rejected.Remove(site) }, [new CoordinatorAction.Take(message.Header)])
            : CloseIfDone(state with { Rejected = state.Rejected.SetItem(site, reason) }, [new CoordinatorAction.Reject(site, reason)]);
    }

    private static (CoordinatorState, IReadOnlyList<CoordinatorAction>) Refused(CoordinatorState state, CoordinatorMessage.SiteRefused message) =>
        message.Round == state.Plan.Round && IsAwaited(state, message.Site)
            ? CloseIfDone(state with { Rejected = state.Rejected.Add(message.Site, message.Reason) }, [])
            : (state, []);

    private static bool IsAwaited(CoordinatorState state, string site) =>
        state.Outcome is null && state.Plan.Asks(site) && !state.Received.ContainsKey(site) && !state.Rejected.ContainsKey(site) && !state.Silent.Contains(site);

    private static (CoordinatorState, IReadOnlyList<CoordinatorAction>) CloseIfDone(CoordinatorState state, IReadOnlyList<CoordinatorAction> actions) =>
        state.Received.Count + state.Rejected.Count + state.Silent.Count >= state.Plan.Cohort.Count ? Close(state, actions) : (state, actions);

    private static (CoordinatorState, IReadOnlyList<CoordinatorAction>) Close(CoordinatorState state, IReadOnlyList<CoordinatorAction> actions)
    {
        var absent = state.Plan.Required.Where(s => !state.Received.ContainsKey(s)).ToList();
        RoundOutcome outcome = absent.Count > 0 ? new RoundOutcome.RequiredSiteMissing(absent)
            : state.Received.Count < state.Plan.Quorum ? new RoundOutcome.QuorumMissed(state.Received.Count, state.Plan.Quorum)
            : new RoundOutcome.Aggregated([.. state.Plan.Cohort.Where(state.Received.ContainsKey)]);
        return (state with { Outcome = outcome }, [.. actions, new CoordinatorAction.Close(outcome)]);
    }
}
