using Comity.SecureAggregation.Protocol;

namespace Comity.Federation.Masking;

/// <summary>One step of a masked round that the coordinator asks of a site, apart from the vector itself.</summary>
/// <param name="Plan">What the round is; every key and signature is bound to it.</param>
/// <param name="Message">What the coordinator says; null: begin, send your keys.</param>
public sealed record MaskedStep(SecureRoundPlan Plan, SecureAggregation.Protocol.CoordinatorMessage? Message)
{
    /// <summary>The round that it belongs to, for a line that has to say so; null: the plan's own is enough.</summary>
    public Rounds.RoundOffer? Within { get; init; }

    /// <summary>Told when the site gets on with other work, on which this step may have to wait; null: nobody asks.</summary>
    public Action? Progressed { get; init; }
}

/// <summary>A site's answer to a <see cref="MaskedStep"/>.</summary>
public abstract record MaskedReply
{
    private MaskedReply() { }

    /// <summary>The site's message; null: it has nothing to say yet.</summary>
    public sealed record Said(SecureAggregation.Protocol.SiteMessage? Message) : MaskedReply;

    internal static string ReasonOf(SecureAggregation.Protocol.Refusal why) => "mask-" + System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(why.Code.ToString());

    /// <summary>The site takes no part.</summary>
    /// <param name="Reason">A code of <see cref="Rounds.RefusalReason"/>, or <c>mask-</c> and why the protocol refused.</param>
    public sealed record Refused(string Reason) : MaskedReply;
}

/// <summary>How a site's update, or its numbers, are to be masked in a round.</summary>
/// <param name="Plan">What was agreed.</param>
/// <param name="Encoding">How the update becomes whole numbers; null: it is no update but a vector of numbers, which the site makes words of itself.</param>
public sealed record MaskedOffer(SecureRoundPlan Plan, MaskedEncoding? Encoding)
{
    /// <summary>What stands in the header of an update under this plan: SHA-256 (hex) of the plan.</summary>
    public string Digest { get; } = Convert.ToHexStringLower((Plan ?? throw new ArgumentNullException(nameof(Plan))).DigestBytes);

    /// <summary>Which plan this is among those of the round, for a line that sends no more of it than what a site can't know by itself; null: the line carries the plan.</summary>
    public MaskedAttempt? Attempt { get; init; }

    /// <summary>The site's share of noise, added below the mask; null: none.</summary>
    public Privacy.NoiseShare? Share { get; init; }

    /// <summary>Floats that carry the packed vector.</summary>
    public int Floats => (Plan.PackedBytes + sizeof(float) - 1) / sizeof(float);
}

/// <summary>What a site can't know by itself of a masked round's plan; all else follows from its own copy of the study.</summary>
/// <param name="Run">Tells this run of the study from others.</param>
/// <param name="Number">The attempt at the round, from 1. Another attempt has other keys.</param>
/// <param name="Cohort">The sites asked, in the order of the study.</param>
public sealed record MaskedAttempt(string Run, int Number, IReadOnlyList<string> Cohort);
