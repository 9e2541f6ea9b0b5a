using Comity.SecureAggregation.Protocol;
using Comity.SecureAggregation.Storage;

namespace Comity.Federation.Masking;

/// <summary>Steps of a masked round and their answers as bytes, for lines between processes.</summary>
public static class MaskedMessages
{
    /// <summary>Code of a refusal: the bytes were no message.</summary>
    public const string Malformed = "mask-malformed";

    /// <summary>What the coordinator says in a step; null: it asks the site to begin.</summary>
    public static byte[]? Write(MaskedStep step) => step?.Message is { } message ? MessageBytes.Write(message) : null;

    /// <summary>What a site says; null: nothing yet.</summary>
    public static byte[]? Write(MaskedReply.Said said) => said?.Message is { } message ? MessageBytes.Write(message) : null;

    /// <summary>A site's answer to a step, as it came over a line of its own: it speaks for itself only.</summary>
    public static MaskedReply Read(MaskedStep step, string site, byte[]? said)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (said is null) return new MaskedReply.Said(null);
        try
        {
            var message = MessageBytes.ReadSite(said);
            var mine = message.Site >= 0 && message.Site < step.Plan.Sites.Count && step.Plan.Sites[message.Site] == site;
            return mine ? new MaskedReply.Said(message) : new MaskedReply.Refused(Rounds.RefusalReason.NotInvited);
        }
        catch (InvalidDataException)
        {
            return new MaskedReply.Refused(Malformed);
        }
    }

    internal static CoordinatorMessage? Read(byte[]? message) => message is null ? null : MessageBytes.ReadCoordinator(message);
}
