using System.Globalization;
using Comity.Declarations;

namespace Comity.SecureAggregation.Protocol;

/// <summary>Why a message was refused, or a round given up.</summary>
public enum RefusalCode
{
    /// <summary>The message does not belong to this step.</summary>
    OutOfOrder,

    /// <summary>The sender or a site named in the message is not in the plan.</summary>
    UnknownSite,

    /// <summary>The site has sent this message already.</summary>
    Repeated,

    /// <summary>A signature does not fit what was signed.</summary>
    BadSignature,

    /// <summary>A public key is no point of the curve, or is used twice.</summary>
    BadKey,

    /// <summary>Something is missing, too much, or of a wrong size.</summary>
    Malformed,

    /// <summary>An envelope was changed on the way, or is meant for another.</summary>
    BrokenEnvelope,

    /// <summary>A revealed share is not the one that was committed to.</summary>
    WrongShare,

    /// <summary>Fewer sites are left than the threshold.</summary>
    TooFewSites,

    /// <summary>The list of survivors is not one this site may answer.</summary>
    BadSurvivors,

    /// <summary>Masks did not come off completely.</summary>
    SumNotExact,
}

/// <summary>A refused message or an abandoned round; the state before it stays valid.</summary>
/// <param name="Code">Why.</param>
/// <param name="Site">Name of the site it is about; empty where it is about none.</param>
public sealed record Refusal(RefusalCode Code, string Site)
{
    /// <summary>For people.</summary>
    public string Describe(CultureInfo culture) => Messages.Catalog.Text("refusal." + Code, culture, Site);

    internal static Refusal Of(RefusalCode code, SecureRoundPlan plan, int site) =>
        new(code, plan.Knows(site) ? plan.Sites[site] : "#" + site.ToString(CultureInfo.InvariantCulture));
}

internal static class Messages
{
    public static readonly MessageCatalog Catalog = new(typeof(Messages), "Comity.SecureAggregation.Resources.Messages");
}
