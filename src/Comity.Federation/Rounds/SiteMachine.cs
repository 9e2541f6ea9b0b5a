namespace Comity.Federation.Rounds;

/// <summary>Where a site stands in one model's rounds.</summary>
/// <param name="Round">Last round offered; 0: none.</param>
/// <param name="Phase">What it does with it.</param>
/// <param name="Sent">The header sent, once <see cref="SitePhase.Answered"/>; null: it refused.</param>
/// <param name="Refusal">Why it refused.</param>
public sealed record SiteState(int Round, SitePhase Phase, UpdateHeader? Sent = null, string? Refusal = null)
{
    /// <summary>Nothing offered yet.</summary>
    public static SiteState Idle { get; } = new(0, SitePhase.Idle);
}

/// <summary>A site's phase within a round.</summary>
public enum SitePhase
{
    /// <summary>Nothing to do.</summary>
    Idle,

    /// <summary>Training.</summary>
    Training,

    /// <summary>The round has been answered.</summary>
    Answered,
}

/// <summary>What reaches a site's machine.</summary>
public abstract record SiteMessage
{
    private SiteMessage() { }

    /// <summary>A round is offered.</summary>
    public sealed record Offered(int Round, bool LayoutKnown) : SiteMessage;

    /// <summary>Training ended and the gate judged the update.</summary>
    public sealed record Trained(UpdateHeader Header, GateVerdict Gate) : SiteMessage;
}

/// <summary>What a site's machine wants done.</summary>
public abstract record SiteAction
{
    private SiteAction() { }

    /// <summary>Train, and pass the update through the gate.</summary>
    public sealed record Train(int Round) : SiteAction;

    /// <summary>Send the update: the bytes that were stored.</summary>
    public sealed record Send(UpdateHeader Header) : SiteAction;

    /// <summary>Answer without an update.</summary>
    public sealed record Refuse(string Reason) : SiteAction;
}

/// <summary>The site's side of a round, as pure steps.</summary>
/// <remarks>
/// <code>
/// Idle ──Offered──► Training ──Trained, gate passed──► Answered (Send)
///                       └────── Trained, gate refused ─► Answered (Refuse)
/// Answered ──same round offered again──► Answered (Send or Refuse again: never trained twice, never other bytes)
/// </code>
/// </remarks>
public static class SiteMachine
{
    /// <summary>One step.</summary>
    public static (SiteState State, SiteAction? Action) Step(SiteState state, SiteMessage message) => (state, message) switch
    {
        (_, SiteMessage.Offered { LayoutKnown: false }) => (state, new SiteAction.Refuse(RefusalReason.WrongShape)),
        (_, SiteMessage.Offered o) when o.Round < state.Round || o.Round < 1 => (state, new SiteAction.Refuse(RefusalReason.WrongRound)),
        ({ Phase: SitePhase.Answered }, SiteMessage.Offered o) when o.Round == state.Round => (state, Again(state)),
        ({ Phase: SitePhase.Training }, SiteMessage.Offered o) when o.Round == state.Round => (state, null),
        (_, SiteMessage.Offered o) => (new SiteState(o.Round, SitePhase.Training), new SiteAction.Train(o.Round)),
        ({ Phase: SitePhase.Training }, SiteMessage.Trained t) when t.Header.Round == state.Round => Answer(state, t),
        (_, SiteMessage.Trained) => (state, null), // the round has moved on; what came too late leaves no trace
        _ => throw new ArgumentOutOfRangeException(nameof(message), message, "Unknown message."),
    };

    private static (SiteState, SiteAction) Answer(SiteState state, SiteMessage.Trained trained)
    {
        var refusal = trained.Gate.Refusal
            ?? (trained.Header.MaskedUnder is not null ? null // judged before it was masked; beside the mask nothing is told
                : trained.Header.Rows <= 0 ? RefusalReason.NoRows : trained.Header.Released is not null || double.IsFinite(trained.Header.Loss) ? null : RefusalReason.NotFinite);
        var next = state with { Phase = SitePhase.Answered, Sent = refusal is null ? trained.Header : null, Refusal = refusal };
        return (next, Again(next));
    }

    private static SiteAction Again(SiteState state) =>
        state.Refusal is { } reason ? new SiteAction.Refuse(reason) : new SiteAction.Send(state.Sent!);
}
