using Comity.SecureAggregation.Protocol;

namespace Comity.Federation.Masking;

/// <summary>One step of a masked round that the coordinator asks of a site, apart from the vector itself.</summary>
/// <param name="Plan">What the round is; every key and signature is bound to it.</param>
/// <param name="Message">What the coordinator says; null: begin, send your keys.</param>
public sealed record MaskedStep(SecureRoundPlan Plan, SecureAggregation.Protocol.CoordinatorMessage? Message);

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

/// <summary>How a site's update is to be masked in a round.</summary>
/// <param name="Plan">What was agreed.</param>
/// <param name="Encoding">How the update becomes whole numbers.</param>
public sealed record MaskedOffer(SecureRoundPlan Plan, MaskedEncoding Encoding)
{
    /// <summary>What stands in the header of an update under this plan: SHA-256 (hex) of the plan.</summary>
    public string Digest { get; } = Convert.ToHexStringLower((Plan ?? throw new ArgumentNullException(nameof(Plan))).DigestBytes);

    /// <summary>The site's share of noise, added below the mask; null: none.</summary>
    public Privacy.NoiseShare? Share { get; init; }

    /// <summary>Floats that carry the packed vector.</summary>
    public int Floats => (Plan.PackedBytes + sizeof(float) - 1) / sizeof(float);
}
